import type { Command } from 'commander'
import { type ServerOptions, withServer } from './server-options.ts'

/** `seawall undelete`, `seawall tag`, and what `seawall image` says of the past. */
export function addImagePastCommands(program: Command, image: Command): void {
  withServer(image.command('deletions'), 'seawall image deletions registry.example.com/demo/app')
    .description('List what was deleted of an image and can be brought back, newest first.')
    .argument('<image>', 'the image without a tag; the host may be left out')
    .action(async (name: string, options: ServerOptions) =>
      (await import('./image-past.ts')).listDeletions(name, options),
    )

  withServer(image.command('history'), 'seawall image history registry.example.com/demo/app:1')
    .description('List where a tag pointed, since when and by whom, newest first.')
    .argument('<reference>', 'the image with its tag; the host may be left out')
    .action(async (reference: string, options: ServerOptions) =>
      (await import('./image-past.ts')).listHistory(reference, options),
    )

  withServer(image.command('purge'), 'seawall image purge registry.example.com/demo/app:1')
    .description('Give up for good what was deleted under a tag or a digest, or all that was deleted of an image.')
    .argument('<reference>', 'the image, with a tag or a digest for only what was deleted under it')
    .action(async (reference: string, options: ServerOptions) =>
      (await import('./image-past.ts')).purge(reference, options),
    )

  withServer(program.command('undelete'), 'seawall undelete registry.example.com/demo/app:1')
    .description('Bring back a deleted tag or manifest, with everything that was deleted together with it.')
    .argument('<reference>', 'the image with its tag or @digest; the host may be left out')
    .action(async (reference: string, options: ServerOptions) =>
      (await import('./image-past.ts')).undelete(reference, options),
    )

  const tag = program.command('tag').description('Move tags.')
  withServer(tag.command('restore'), 'seawall tag restore registry.example.com/demo/app:1 sha256:0123...')
    .description('Point a tag at a manifest that it had before, or at another one of the image.')
    .argument('<reference>', 'the image with its tag; the host may be left out')
    .argument('<digest>', 'where the tag shall point, as "image history" shows it')
    .action(async (reference: string, digest: string, options: ServerOptions) =>
      (await import('./image-past.ts')).restoreTag(reference, digest, options),
    )
}
