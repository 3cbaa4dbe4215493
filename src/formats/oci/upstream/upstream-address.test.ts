import { describe, expect, it } from 'bun:test'
import { realmOf, trustedRealms } from './token-realm.ts'
import { UpstreamAddress } from './upstream-address.ts'

describe('the address of an upstream', () => {
  it.each([
    ['docker.io', 'ubuntu', 'https://registry-1.docker.io', 'library/ubuntu'],
    ['https://docker.io', 'library/ubuntu', 'https://registry-1.docker.io', 'library/ubuntu'],
    ['http://index.docker.io/', 'demo/app', 'https://registry-1.docker.io', 'demo/app'],
    ['https://registry-1.docker.io/v2/', 'ubuntu', 'https://registry-1.docker.io', 'library/ubuntu'],
    ['https://docker.io/library', 'ubuntu', 'https://registry-1.docker.io', 'library/ubuntu'],
    ['https://ghcr.io', 'demo', 'https://ghcr.io', 'demo'],
    ['https://ghcr.io/example/', 'app', 'https://ghcr.io', 'example/app'],
    ['registry.example.com:5000', 'a/b', 'https://registry.example.com:5000', 'a/b'],
    ['http://[::1]:5000/v2/x', 'a', 'http://[::1]:5000', 'x/a'],
    ['https://seawall.example.com/v2x', 'a', 'https://seawall.example.com', 'v2x/a'],
  ])('%s has its package %s at %s as %s', (text, pkg, origin, name) => {
    const address = UpstreamAddress.parse(text)
    expect([address.origin, address.nameOf(pkg)]).toEqual([origin, name])
  })

  it.each([
    ['ftp://x.example/'],
    ['https://'],
    ['file:///etc'],
    ['https://user:pw@x.example'],
    ['https://x.example/?a=b'],
    ['https://x.example/A'],
    ['https://x.example/a%2fb'],
  ])('%s is refused', (text) => {
    expect(() => UpstreamAddress.parse(text)).toThrow()
  })
})

describe('a token service', () => {
  const realm = (upstream: string, text: string, named: string[] = []) => {
    const challenge = { scheme: 'bearer', parameters: new Map([['realm', text]]) }
    return realmOf(challenge, UpstreamAddress.parse(upstream), trustedRealms(named)).href
  }

  it.each([
    ['https://docker.io', 'https://auth.docker.io/token'],
    ['https://ghcr.io', 'https://ghcr.io/token'],
    ['https://quay.io', 'https://quay.io/v2/auth'],
    ['https://europe-docker.pkg.dev', 'https://europe-docker.pkg.dev/v2/token'],
    ['https://public.ecr.aws', 'https://public.ecr.aws/token/'],
    ['https://example.azurecr.io', 'https://example.azurecr.io/oauth2/token'],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth'],
    ['https://x.example:5000', 'https://x.example:5001/token'],
    ['http://x.example:5000', 'http://x.example:5001/token'],
    ['http://x.example:5000', 'https://x.example/token'],
  ])('of %s is trusted at %s', (upstream, text) => {
    expect(realm(upstream, text)).toBe(text)
  })

  it.each([
    ['https://x.example', 'https://auth.docker.io/token'],
    ['https://docker.io', 'https://auth.docker.io.evil.example/token'],
    ['https://x.example', 'http://x.example/token'],
    ['https://x.example', 'https://y.x.example/token'],
    ['https://x.example', 'https://x.example@evil.example/token'],
    ['https://x.example', 'https://user@x.example/token'],
    ['https://x.example', 'file:///etc/passwd'],
    ['https://x.example', '/token'],
    ['https://x.example', ''],
    ['https://registry.gitlab.com.evil.example', 'https://gitlab.com/jwt/auth'],
  ])('of %s is not trusted at %s', (upstream, text) => {
    expect(() => realm(upstream, text)).toThrow(/token service/)
  })

  it('is trusted where an operator has named it', () => {
    expect(realm('https://x.example', 'https://sso.example/token', ['sso.example'])).toBe('https://sso.example/token')
    expect(() => realm('https://x.example', 'https://sso.example.evil/token', ['sso.example'])).toThrow()
  })
})
