import { describe, expect, it } from 'bun:test'
import { ConfigError } from './config-error.ts'
import { describeConfig } from './describe-config.ts'
import { type ConfigSources, parseConfig } from './parse-config.ts'

const POSTGRES = 'postgres://seawall:hunter22@db/seawall'
const BUCKET = 's3://bytes?endpoint=http://127.0.0.1:9000&region=eu-1&prefix=a/b&redirect=true'

function fromFile(text: string, env: Record<string, string> = {}): ConfigSources {
  return { env, file: { name: 'seawall.yaml', text } }
}

function mistakesOf(sources: ConfigSources): string[] {
  try {
    parseConfig(sources)
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n').slice(1)
    throw error
  }
  return []
}

describe('parseConfig', () => {
  it('needs nothing: disk and the embedded database under ./data, on this machine alone', () => {
    const config = parseConfig({ env: {} })
    expect(config.listen).toEqual({ kind: 'tcp', host: '127.0.0.1', port: 5000 })
    expect(config.database).toEqual({ kind: 'sqlite', path: './data/seawall.db' })
    expect(config.store).toEqual({ kind: 'disk', path: './data/blobs' })
    expect(config.limits.manifestMaxBytes).toBe(4 * 1024 * 1024)
    expect(config.tls).toBeNull()
    expect(config.adminPassword).toBeNull()
    expect(config.trustedProxies.isEmpty).toBe(true)
  })

  it('takes the file, and the environment over it', () => {
    const text = 'data: /srv\nlimits:\n  pageItems: 7\n  tagsPerPush: 20\nmetrics: { enabled: false }\n'
    const config = parseConfig(fromFile(text, { SEAWALL_LIMITS_PAGE_ITEMS: '9' }))
    expect(config.limits).toMatchObject({ pageItems: 9, tagsPerPush: 20 })
    expect(config.metrics.enabled).toBe(false)
    expect(config.database).toEqual({ kind: 'sqlite', path: '/srv/seawall.db' })
    const from = Object.fromEntries(config.effective.map(({ name, from }) => [name, from]))
    expect(from).toMatchObject({
      data: 'seawall.yaml',
      'limits.pageItems': 'SEAWALL_LIMITS_PAGE_ITEMS',
      listen: 'default',
    })
  })

  it.each([
    ['127.0.0.1:5000', { kind: 'tcp', host: '127.0.0.1', port: 5000 }],
    ['[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['registry.local:0', { kind: 'tcp', host: 'registry.local', port: 0 }],
    ['unix:/run/seawall.sock', { kind: 'unix', path: '/run/seawall.sock' }],
  ])('listens on %s', (text, expected) => {
    expect(parseConfig({ env: { SEAWALL_LISTEN: text } }).listen).toEqual(expected as never)
  })

  it('reads an object store with its keys, from files too', () => {
    const env = { SEAWALL_DATABASE: POSTGRES, SEAWALL_STORE: BUCKET, SEAWALL_S3_ACCESS_KEY: 'AK' }
    const config = parseConfig({ env: { ...env, SEAWALL_S3_SECRET_KEY_FILE: '/run/key' }, readSecret: () => 'SK\n' })
    expect(config.store).toMatchObject({
      kind: 's3',
      bucket: 'bytes',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-1',
      prefix: 'a/b/',
      redirect: true,
      pathStyle: true,
    })
    if (config.store.kind !== 's3' || config.database.kind !== 'postgres') throw new Error('read as something else')
    expect(config.store.accessKey.reveal()).toBe('AK')
    expect(config.store.secretKey.reveal()).toBe('SK')
    expect(config.database.url.reveal()).toBe(POSTGRES)
  })

  it('shows no secret when it is printed, serialised or described', () => {
    const env = {
      SEAWALL_DATABASE: POSTGRES,
      SEAWALL_STORE: BUCKET,
      SEAWALL_S3_ACCESS_KEY: 'topsecret1',
      SEAWALL_S3_SECRET_KEY: 'topsecret2',
      SEAWALL_ADMIN_PASSWORD: 'topsecret3',
    }
    const config = parseConfig({ env })
    for (const shown of [
      JSON.stringify(config),
      Bun.inspect(config),
      `${config.adminPassword}`,
      describeConfig(config),
    ]) {
      expect(shown).not.toMatch(/topsecret|hunter22/)
      expect(shown).toContain('***')
    }
    expect(describeConfig(config)).toContain('database: "postgres://***@db/seawall"')
  })

  it('lets a variable take the place of a secret file that the file names', () => {
    const sources = fromFile('admin: { passwordFile: /nowhere }', { SEAWALL_ADMIN_PASSWORD: 'from the variable' })
    expect(parseConfig(sources).adminPassword?.reveal()).toBe('from the variable')
  })

  it('passes over empty variables, those of other programs and those that Kubernetes sets for a service', () => {
    const env = {
      PATH: '/bin',
      PORT: '',
      SEAWALL_SERVER: 'http://x',
      SEAWALL_TOKEN: 't',
      SEAWALL_CONFIG: 'x.yaml',
      SEAWALL_PORT: 'tcp://10.0.0.1:5000',
      SEAWALL_PORT_5000_TCP: 'tcp://10.0.0.1:5000',
      SEAWALL_PORT_5000_TCP_ADDR: '10.0.0.1',
      SEAWALL_SERVICE_HOST: '10.0.0.1',
      SEAWALL_SERVICE_PORT_HTTP: '5000',
      SEAWALL_WEB_SERVICE_PORT: '80',
    }
    expect(mistakesOf({ env })).toEqual([])
  })

  it('tells all mistakes at once, each with its name and the value seen', () => {
    const text = [
      'listen: 5000',
      'lisen: 1.2.3.4:5',
      'data: ""',
      'limits:',
      '  manifestMaxBytes: 12',
      '  pageItms: 3',
      'tls: yes please',
      'trustedProxies: [10.0.0.0/33]',
      'log: { level: loud }',
    ].join('\n')
    const env = {
      PORT: '8080',
      DATABASE_URL: 'postgres://u:hunter22@h/d',
      SEAWALL_LISTN: '1',
      SEAWALL_METRICS_ENABLED: 'yes',
      SEAWALL_SHUTDOWN_GRACE_SECONDS: '1.5',
    }
    expect(mistakesOf(fromFile(text, env)).sort()).toEqual(
      [
        '  DATABASE_URL = postgres://***@h/d: is not read; set SEAWALL_DATABASE instead, and unset this one',
        '  PORT = 8080: is not read; set SEAWALL_LISTEN=127.0.0.1:<port> instead, and unset this one',
        '  SEAWALL_LISTN: unknown variable; did you mean "SEAWALL_LISTEN"?',
        '  SEAWALL_METRICS_ENABLED = yes: must be true or false',
        '  SEAWALL_SHUTDOWN_GRACE_SECONDS = 1.5: must be a whole number',
        '  data in seawall.yaml = : must not be empty',
        '  limits.manifestMaxBytes in seawall.yaml = 12: must be 1024 or more',
        '  limits.pageItms in seawall.yaml: unknown setting; did you mean "limits.pageItems"?',
        '  lisen in seawall.yaml: unknown setting; did you mean "listen"?',
        '  listen in seawall.yaml = 5000: must be a text; put it in quotes',
        '  log.level in seawall.yaml = loud: must be one of debug, info, warn, error',
        '  tls in seawall.yaml = "yes please": is a section: indent its settings under it (tls.certificate, tls.key)',
        '  trustedProxies in seawall.yaml = 10.0.0.0/33: "10.0.0.0/33" is neither an address nor a range such as 10.0.0.0/8 or fd00::/8',
      ].sort(),
    )
  })

  it.each([
    [{ SEAWALL_LISTEN: ':5000' }, 'must be host:port'],
    [{ SEAWALL_LISTEN: 'host:70000' }, 'a port above 65535'],
    [{ SEAWALL_PORT: '80' }, 'SEAWALL_LISTEN='],
    [{ HOST: '0.0.0.0' }, 'SEAWALL_LISTEN='],
    [{ SEAWALL_EXTERNAL_URL: 'https://h/registry' }, 'must have no path'],
    [{ SEAWALL_EXTERNAL_URL: 'registry.example.com' }, 'must begin with https://'],
    [{ SEAWALL_DATABASE: 'mysql://h/d' }, 'must be sqlite:<path> or postgres://'],
    [{ SEAWALL_DATABASE: 'postgres://h' }, 'names no database'],
    [{ SEAWALL_DATABASE: 'sqlite::memory:' }, 'would forget everything'],
    [{ SEAWALL_DATABASE: 'sqlite:' }, 'names no path'],
    [{ SEAWALL_STORE: 'disk://data' }, 'names a host'],
    [{ SEAWALL_STORE: '/srv/data' }, 'must be disk:<path> or s3://'],
    [{ SEAWALL_STORE: 's3://bytes' }, 'shared bytes need a shared database'],
    [{ SEAWALL_STORE: 's3://bytes', SEAWALL_DATABASE: POSTGRES }, 'needs SEAWALL_S3_ACCESS_KEY'],
    [{ SEAWALL_STORE: 's3://bytes?endpont=x', SEAWALL_DATABASE: POSTGRES }, 'did you mean "endpoint"?'],
    [{ SEAWALL_STORE: 's3://UPPER' }, 'names no bucket'],
    [{ SEAWALL_STORE: 's3://k:hunter22@bytes' }, 'must not hold keys'],
    [{ SEAWALL_STORE: 's3://bytes?prefix=../x' }, 'its prefix must be a plain path'],
    [{ SEAWALL_STORE: 's3://bytes?redirect=1' }, 'its redirect must be true or false'],
    [{ SEAWALL_TLS_CERTIFICATE: 'a.pem' }, 'needs SEAWALL_TLS_KEY beside it'],
    [{ SEAWALL_LIMITS_PAGE_ITEMS: '100000' }, 'must be 10000 or less'],
    [{ SEAWALL_LIMITS_PAGE_MAX_ITEMS: '10' }, 'pageItems must not be more than pageMaxItems'],
    [{ SEAWALL_ADMIN_PASSWORD: 'hunter22', SEAWALL_ADMIN_PASSWORD_FILE: 'f' }, 'are both set'],
    [{ SEAWALL_ADMIN_PASSWORD_FILE: '/nowhere' }, 'the file cannot be read'],
    [{ SEAWALL_S3_SECERT_KEY: 'hunter22' }, 'did you mean "SEAWALL_S3_SECRET_KEY"?'],
    [{ SEAWALL_DATABASE: 'postgres:/u:hunter22@h/d' }, 'must be sqlite:<path>'],
    [{ SEAWALL_DATABASE: 'postgres://u:hunter22/#@h/d' }, 'is no URL'],
  ])('refuses %p', (env, expected) => {
    const message = mistakesOf({ env }).join('\n')
    expect(message).toContain(expected)
    expect(message).not.toContain('hunter22')
  })

  it.each([
    ['a: [', 'is not YAML'],
    ['- a', 'must be a mapping'],
    ['data: a\ndata: b', 'Map keys must be unique'],
    ['admin: { password: 12345678 }', 'admin.password in seawall.yaml = ***: must be a text'],
    ['__proto__: { a: 1 }', 'unknown setting'],
    ['constructor: 1', 'unknown setting'],
    ['trustedProxies: 10.0.0.1', 'must be a list'],
  ])('refuses the file %p', (text, expected) => {
    expect(mistakesOf(fromFile(text)).join('\n')).toContain(expected)
  })

  it.each(['', '# nothing', 'limits:\n', 'externalUrl:\n'])('takes the file %p as one that sets nothing', (text) => {
    expect(mistakesOf(fromFile(text))).toEqual([])
  })
})
