// Runs a TypeScript entry of this project on Bun, on a machine that has only Node and npm.
// Installs the packages of the lock file when they are missing or older than it, and says so.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const stamp = join(modules, '.seawall-lock')

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}

function isInstalled() {
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === lockHash()
}

function install() {
  console.error('seawall: installing packages (once, and again when the lock file changes)...')
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const done = spawnSync(npm, ['ci', '--no-fund', '--no-audit', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.status !== 0) {
    console.error(
      'seawall: npm could not install the packages; its own message stands above. Check the network and try again.',
    )
    process.exit(1)
  }
  mkdirSync(modules, { recursive: true })
  writeFileSync(stamp, lockHash())
}

function runs(file) {
  return existsSync(file) && spawnSync(file, ['--version'], { stdio: 'ignore' }).status === 0
}

/** npm 11 may hold back the install script that links Bun into place; the platform package has it in any case. */
function findBun() {
  const platforms = join(modules, '@oven')
  const packages = existsSync(platforms) ? readdirSync(platforms) : []
  const found = [
    join(modules, 'bun', 'bin', 'bun.exe'),
    ...packages.flatMap((name) => [join(platforms, name, 'bin', 'bun'), join(platforms, name, 'bin', 'bun.exe')]),
  ].find(runs)
  if (found) return found
  console.error(`seawall: the package "bun" has no binary for this machine (${process.platform} ${process.arch}).`)
  process.exit(1)
}

if (!isInstalled()) install()
/**
 * A server that lets its heap grow with the machine's memory takes a quarter more for the same work. Here the collector
 * thinks that the machine is a small one, works in the thread that serves (its heap is small, so its pauses are short),
 * and the last stage of the compiler, which takes memory for little speed, is left out (measured: decisions/025).
 */
const serverEnv = {
  ...JSON.parse(readFileSync(new URL('server-environment.json', import.meta.url), 'utf8')),
  ...process.env,
}
const isServer = process.argv.includes('serve')
const child = spawn(findBun(), process.argv.slice(2), { stdio: 'inherit', env: isServer ? serverEnv : process.env })
// A terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone is passed on.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// npm ends its shell and no more: without a parent nobody can stop the child any longer, so it is asked to.
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM')
}, 500)
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
