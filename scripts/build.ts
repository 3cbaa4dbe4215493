// `npm run build [-- PATH]`: one executable with everything in it, `dist/seawall`.
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'

const root = join(import.meta.dir, '..')
const target = resolve(process.argv[2] ?? join(root, 'dist', 'seawall'))
const unfinished = `${target}.${process.pid}`

await mkdir(dirname(target), { recursive: true })
const build = await Bun.build({
  entrypoints: [join(root, 'src', 'main.ts')],
  compile: { outfile: unfinished },
  minify: { syntax: true, whitespace: true, identifiers: false }, // names stay readable in stack traces
  sourcemap: 'inline',
  throw: false,
})
for (const message of build.logs) console.error(message)
if (!build.success) {
  await rm(unfinished, { force: true })
  process.exit(1)
}
await chmod(unfinished, 0o755)
await rm(`${unfinished}.map`, { force: true }) // it is also inside the executable, where stack traces find it
await rename(unfinished, target) // a running server keeps the file it was started from
console.log(`${relative(process.cwd(), target)}: ${Math.round((await stat(target)).size / 1024 / 1024)} MB`)
