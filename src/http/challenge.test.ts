import { expect, it } from 'bun:test'
import { challengeHeader } from './challenge.ts'

const BASE = { externalUrl: 'https://registry.example', service: 'registry.example', scope: null, error: null } as const

it('words a challenge as clients read it', () => {
  expect(challengeHeader(BASE)).toBe('Bearer realm="https://registry.example/token",service="registry.example"')
  expect(
    challengeHeader({ ...BASE, scope: 'repository:a/b:pull repository:c/d:pull', error: 'insufficient_scope' }),
  ).toBe(
    'Bearer realm="https://registry.example/token",service="registry.example",scope="repository:a/b:pull repository:c/d:pull",error="insufficient_scope"',
  )
})

it('lets nothing out of its quotes', () => {
  const header = challengeHeader({ ...BASE, scope: 'a"b\\c\r\nSet-Cookie: x=ü', error: 'invalid_token' })
  expect(header).toContain('scope="abcSet-Cookie: x="')
})
