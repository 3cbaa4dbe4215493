import type { Command } from 'commander'
import type { ImageOptions } from './image.ts'
import { addImagePastCommands } from './image-past-command.ts'
import { type ServerOptions, withServer } from './server-options.ts'

/** `seawall image`, and the commands that bring back what was there. */
export function addImageCommand(program: Command): void {
  const image = program.command('image').description('Look at what was pushed.')

  withServer(image.command('list'), 'seawall image list demo')
    .description('List the images of a repository, or of all of them.')
    .argument('[repository]', 'its name')
    .action(async (repository: string | undefined, options: ServerOptions) =>
      (await import('./image.ts')).listImages(repository, options),
    )

  withServer(image.command('show'), 'seawall image show registry.example.com/demo/app:1')
    .description('Show the layers, packages and findings of an image, and whether it may be pulled.')
    .argument('<reference>', 'the image as docker names it; the host may be left out')
    .option('--platform <platform>', 'which image of several, such as linux/arm64')
    .action(async (reference: string, options: ImageOptions) =>
      (await import('./image.ts')).showImage(reference, options),
    )

  addImagePastCommands(program, image)
}
