import { afterAll, beforeAll, expect, it } from 'bun:test'
import { dirname, join } from 'node:path'
import { describeWith, program } from '../harness/program.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { ImageClient } from '../protocol/image-client.ts'
import { RegistryClient } from '../protocol/registry-client.ts'
import { blob, type Content, image } from '../protocol/samples.ts'
import { UPLOAD_WAYS } from '../protocol/uploads.ts'

const TRACED = 'fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat,sendto,sendmsg,write,writev'

/** A system call: where in the trace it begins and ends, and what it was about. */
interface Call {
  readonly name: string
  readonly rest: string
  readonly begin: number
  readonly end: number
  readonly failed: boolean
}

const BEGUN = /^(\d+) +(\w+)\((.*?)(?:\) += (.*)| <unfinished \.\.\.>)$/
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/

/** Reads what `strace -f -y` wrote; a call that waits is in it twice, with the calls of other threads in between. */
function parseTrace(text: string): Call[] {
  const calls: Call[] = []
  const open = new Map<string, { rest: string; begin: number }>()
  for (const [at, line] of text.split('\n').entries()) {
    const [, pid = '', name = '', rest = '', result] = BEGUN.exec(line) ?? []
    if (name !== '' && result !== undefined) {
      calls.push({ name, rest, begin: at, end: at, failed: result.startsWith('-1') })
    } else if (name !== '') open.set(`${pid} ${name}`, { rest, begin: at })
    const [, waiter = '', ended = '', more = '', late = ''] = RESUMED.exec(line) ?? []
    const begun = open.get(`${waiter} ${ended}`)
    if (begun) {
      open.delete(`${waiter} ${ended}`)
      calls.push({ name: ended, rest: begun.rest + more, begin: begun.begin, end: at, failed: late.startsWith('-1') })
    }
  }
  return calls.filter(({ failed }) => !failed).sort((a, b) => a.begin - b.begin)
}

function isSync({ name, rest }: Call, path: string): boolean {
  return (name === 'fsync' || name === 'fdatasync') && rest.endsWith(`<${path}>`)
}

describeWith(['strace', 'sh'], 'what a server writes through to the disk', () => {
  let folder: string
  let data: string
  let server: Seawall
  let app: ImageClient
  const trace = () => join(folder, 'trace')

  beforeAll(async () => {
    folder = await temporaryFolder('order')
    data = join(folder, 'new', 'data')
    server = await startSeawall({
      env: { SEAWALL_DATA: data, SEAWALL_SCAN_WORKERS: '0' },
      through: [program('strace'), '-I2', '-f', '-y', '-s', '120', '-e', `trace=${TRACED}`, '-o', trace()],
    })
    const client = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
    app = new ImageClient(client, 'order/app')
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await removeFolder(folder)
  }, 60_000)

  async function calls(): Promise<Call[]> {
    await Bun.sleep(300)
    return parseTrace(await Bun.file(trace()).text())
  }

  /** Where the answer to the push of a blob begins. */
  function answerTo(all: readonly Call[], one: Content): Call {
    const found = all.find(
      ({ name, rest }) =>
        /^(send|write)/.test(name) && rest.includes(`201 Created`) && rest.includes(one.digest.slice(0, 40)),
    )
    if (!found) throw new Error(`no 201 for ${one.digest} in the trace`)
    return found
  }

  it('is, for a blob: its bytes, its place, the name of the place, the row; then it answers', async () => {
    for (const way of UPLOAD_WAYS) {
      const one = blob(3_000)
      expect((await way.push(app, one.bytes, one.digest)).status).toBe(201)
      const all = await calls()
      const answer = answerTo(all, one)
      const move = all.find(({ name, rest }) => name.startsWith('rename') && rest.includes(one.digest.slice(7)))
      if (!move) throw new Error(`${way.name}: the bytes were never moved to their place`)
      const [from = '', to = ''] = [...move.rest.matchAll(/"([^"]+)"/g)].map(([, path]) => path ?? '')
      const bytes = all.findLast((call) => isSync(call, from) && call.end < move.begin)
      expect(bytes, `${way.name}: the bytes`).toBeDefined()
      const written = all.findLast(
        ({ name, rest, begin }) => /^p?write/.test(name) && rest.includes(`<${from}>`) && begin < move.begin,
      )
      expect(written === undefined || written.end < bytes!.begin, `${way.name}: no byte after the sync`).toBe(true)
      const place = all.find((call) => isSync(call, dirname(to)) && call.begin > move.end)
      expect(place, `${way.name}: the name`).toBeDefined()
      const row = all.find((call) => isSync(call, join(data, 'seawall.db-wal')) && call.begin > place!.end)
      expect(row, `${way.name}: the row`).toBeDefined()
      expect(row!.end, `${way.name}: the answer`).toBeLessThan(answer.begin)
    }
  })

  it('is, for a manifest: its row; then it answers', async () => {
    const made = await image()
    for (const one of made.blobs) await app.postUpload([['digest', one.digest]], one.bytes)
    const before = (await calls()).at(-1)!.end
    expect((await app.putManifest('v1', made.manifest)).status).toBe(201)
    const all = await calls()
    const row = all.find((call) => isSync(call, join(data, 'seawall.db-wal')) && call.begin > before)
    expect(row!.end).toBeLessThan(answerTo(all, made.manifest).begin)
  })

  it('is the name of every folder that it makes, before anything in it counts', async () => {
    const all = await calls()
    const made = all.filter(({ name, rest }) => name.startsWith('mkdir') && rest.includes(folder))
    const paths = made.map(({ rest }) => /"([^"]+)"/.exec(rest)?.[1] ?? '')
    expect(paths).toContain(join(folder, 'new'))
    const first = all.find(({ rest }) => rest.includes('201 Created'))
    for (const [at, path] of paths.entries()) {
      const synced = all.find((call) => isSync(call, dirname(path)) && call.begin > made[at]!.end)
      expect(synced, path).toBeDefined()
      if (made[at]!.end < first!.begin) expect(synced!.end, path).toBeLessThan(first!.begin)
    }
  })
})
