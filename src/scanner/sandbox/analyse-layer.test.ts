import { afterAll, beforeAll, describe, expect, it } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { streamOf, tarOf } from '../../../tests/fixtures/tar.ts'
import { digestOf } from '../../core/digest.ts'
import { DEFAULT_LAYER_LIMITS, type LayerLimits } from '../layers/layer-limits.ts'
import type { LayerRecord } from '../layers/layer-record.ts'
import { analyseLayer, type LayerSource } from './analyse-layer.ts'

const tar = tarOf([{ path: 'node_modules/a/package.json', content: '{"name":"a","version":"1.0.0"}' }])
const diffId = digestOf(tar)
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seawall-sandbox-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A program in place of the one that reads layers. */
async function program(source: string): Promise<string[]> {
  const path = join(folder, `${digestOf(source).slice(7, 20)}.ts`)
  await Bun.write(path, source)
  return [process.execPath, path]
}

async function reasonOf(command: string[], limits: Partial<LayerLimits> = {}): Promise<LayerRecord['unreadable']> {
  const analysis = { expectedDiffId: diffId, command, limits: { ...DEFAULT_LAYER_LIMITS, ...limits } }
  const record = await analyseLayer(async () => streamOf(tar), analysis)
  expect(record.diffId).toBe(diffId)
  return record.unreadable
}

describe('a layer is read in a process of its own', () => {
  it('from a stream and from a file', async () => {
    const path = join(folder, 'layer.tar.gz')
    await Bun.write(path, Bun.gzipSync(tar))
    for (const source of [streamOf(tar), { path }]) {
      const record = await analyseLayer(async (): Promise<LayerSource> => source, { expectedDiffId: diffId })
      expect(record.unreadable).toBeNull()
      expect(record.evidence.map(({ packages }) => packages[0]?.name)).toEqual(['a'])
    }
  })

  it('once more when a hard link needs what had gone by', async () => {
    const bytes = tarOf([
      { path: 'store/0a1b', content: '{"name":"linked","version":"1.0.0"}' },
      { path: 'node_modules/linked/package.json', type: '1', target: 'store/0a1b' },
    ])
    let opened = 0
    const open = async () => {
      opened++
      return streamOf(bytes)
    }
    const record = await analyseLayer(open, { expectedDiffId: null })
    expect(opened).toBe(2)
    expect(record.evidence.map(({ packages, problem }) => [packages[0]?.name, problem])).toEqual([
      ['linked', undefined],
    ])
  })

  it('that sees no environment and stands in the root folder', async () => {
    process.env.SEAWALL_SECRET_FOR_TEST = 'secret'
    const command = await program(`
      const seen = JSON.stringify([Object.keys(process.env), process.cwd()])
      await Bun.write(Bun.stdout, seen)
      await Bun.write('${folder}/seen.json', seen)`)
    await reasonOf(command)
    delete process.env.SEAWALL_SECRET_FOR_TEST
    const [names, cwd] = await Bun.file(join(folder, 'seen.json')).json()
    expect(names).not.toContain('SEAWALL_SECRET_FOR_TEST')
    expect(names).not.toContain('PATH')
    expect(cwd).toBe('/')
  })
})

describe('a process that goes wrong is stopped, and the layer has a reason that is not lasting', () => {
  const loop = 'const end = Date.now() + 20_000; while (Date.now() < end) {}'

  it('when it takes too long', async () => {
    const started = performance.now()
    const unreadable = await reasonOf(await program(loop), { timeoutMs: 300 })
    expect(unreadable).toEqual({ reason: 'took more than 0.3 seconds while it was read', lasting: false })
    expect(performance.now() - started).toBeLessThan(5000)
  })

  it.skipIf(process.platform !== 'linux')('when it takes too much memory', async () => {
    const eat = `const eaten = []; while (eaten.length < 400) { eaten.push(new Uint8Array(4_000_000).fill(1)); await Bun.sleep(5) }`
    const unreadable = await reasonOf(await program(eat), { maxMemoryBytes: 200_000_000 })
    expect(unreadable?.reason).toBe('took more than 200000000 bytes of memory while it was read')
  })

  it('when it talks too much', async () => {
    const talk = `for (;;) { await Bun.write(Bun.stdout, 'x'.repeat(100_000)) }`
    const unreadable = await reasonOf(await program(talk), { maxRecordBytes: 500_000 })
    expect(unreadable?.reason).toBe('gave more than 1000000 bytes of answer while it was read')
  })

  it('when it dies', async () => {
    for (const source of ['process.exit(3)', `process.kill(process.pid, 'SIGSEGV')`, 'throw new Error("broken")']) {
      const unreadable = await reasonOf(await program(source))
      expect(unreadable).toEqual({ reason: 'made the process that reads layers fail', lasting: false })
    }
  })

  it('when it answers something else', async () => {
    for (const answer of ['', 'not JSON', '{"packages":[]}', '{"analyser":0}\\n[]']) {
      const unreadable = await reasonOf(await program(`await Bun.write(Bun.stdout, '${answer}\\n')`))
      expect(unreadable).toEqual({ reason: 'gave an answer that makes no sense', lasting: false })
    }
  })

  it('but an error of the store, or being given up, is the caller’s', async () => {
    let sent = 0
    const failing = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (sent++ > 0) throw new Error('the store is gone')
        controller.enqueue(tar.slice(0, 600))
      },
    })
    expect(analyseLayer(async () => failing, { expectedDiffId: diffId })).rejects.toThrow('the store is gone')
    const missing = { path: join(folder, 'no such layer') }
    expect(analyseLayer(async () => missing, { expectedDiffId: diffId })).rejects.toThrow('ENOENT')
    const controller = new AbortController()
    const analysis = { expectedDiffId: diffId, command: await program(loop), signal: controller.signal }
    const given = analyseLayer(async () => streamOf(tar), analysis)
    setTimeout(() => controller.abort(), 100)
    expect(given).rejects.toThrow('abort')
  })

  it('ten million entries and a thousandfold expansion among them', async () => {
    const block = Buffer.concat(Array.from({ length: 2000 }, () => tarOf([{ path: 'same' }]).subarray(0, 512)))
    let left = 5000
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(block) : controller.close()),
    })
    const entries = await analyseLayer(async () => endless, { expectedDiffId: null })
    expect(entries.unreadable?.reason).toBe('holds more than 1000000 entries')
    const bomb = Bun.gzipSync(new Uint8Array(300_000_000), { level: 9 })
    const expanded = await analyseLayer(async () => streamOf(bomb, 100_000), { expectedDiffId: null })
    expect(expanded.unreadable?.reason).toBe('expands more than 200 times when unpacked')
  }, 30_000)
})
