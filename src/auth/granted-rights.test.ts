import { describe, expect, it } from 'bun:test'
import { type Actor, ANONYMOUS, SYSTEM } from '../core/actor.ts'
import { parseGlob } from '../core/glob.ts'
import type { Visibility } from '../core/repository.ts'
import { type GrantRule, grantedRights, type SubjectKind } from './granted-rights.ts'
import type { Role } from './role.ts'

const ALICE: Actor = { kind: 'user', id: 'alice', name: 'alice', isAdmin: false }
const ROOT: Actor = { ...ALICE, id: 'root', isAdmin: true }
const READING: Actor = { ...ALICE, readOnly: true }
const READING_ROOT: Actor = { ...ROOT, readOnly: true }

function rule(subjectKind: SubjectKind, subjectId: string, role: Role, glob = '**'): GrantRule {
  return { subjectKind, subjectId, role, glob: parseGlob(glob) }
}

const ALL = 'delete grant manage pull push'

const TABLE: [visibility: Visibility, who: Actor, rules: GrantRule[], image: string | null, rights: string][] = [
  ['private', ANONYMOUS, [], 'app', ''],
  ['private', ALICE, [], 'app', ''],
  ['private', ROOT, [], 'app', ALL],
  ['private', SYSTEM, [], null, ALL],
  ['internal', ANONYMOUS, [], 'app', ''],
  ['internal', ALICE, [], 'app', 'pull'],
  ['public', ANONYMOUS, [], 'app', 'pull'],
  ['public', ALICE, [], null, 'pull'],
  ['private', ALICE, [rule('user', 'alice', 'reader')], 'app', 'pull'],
  ['private', ALICE, [rule('user', 'alice', 'writer')], 'app', 'pull push'],
  ['private', ALICE, [rule('user', 'alice', 'maintainer')], 'app', 'delete manage pull push'],
  ['private', ALICE, [rule('user', 'alice', 'admin')], 'app', ALL],
  ['private', ALICE, [rule('user', 'bob', 'admin')], 'app', ''],
  ['private', ALICE, [rule('team', 'web', 'writer')], 'app', 'pull push'],
  ['private', ALICE, [rule('team', 'ops', 'writer')], 'app', ''],
  ['private', ALICE, [rule('team', 'alice', 'writer')], 'app', ''],
  ['private', ALICE, [rule('signed-in', '', 'writer')], 'app', 'pull push'],
  ['private', ANONYMOUS, [rule('signed-in', '', 'writer')], 'app', ''],
  ['private', ANONYMOUS, [rule('anonymous', '', 'reader')], 'app', 'pull'],
  ['private', ALICE, [rule('anonymous', '', 'reader')], 'app', 'pull'],
  ['private', ANONYMOUS, [rule('user', 'anonymous', 'admin')], 'app', ''],
  ['private', ALICE, [rule('user', 'alice', 'writer', 'app/*')], 'app/web', 'pull push'],
  ['private', ALICE, [rule('user', 'alice', 'writer', 'app/*')], 'app', ''],
  ['private', ALICE, [rule('user', 'alice', 'admin', 'app')], null, ''],
  [
    'private',
    ALICE,
    [rule('user', 'alice', 'reader'), rule('team', 'web', 'maintainer', 'app')],
    'app',
    'delete manage pull push',
  ],
  ['private', READING, [rule('user', 'alice', 'admin')], 'app', 'pull'],
  ['private', READING, [], 'app', ''],
  ['private', READING_ROOT, [], 'app', 'pull'],
]

describe('live rights', () => {
  for (const [visibility, who, rules, image, expected] of TABLE) {
    const grants =
      rules.map((r) => `${r.subjectKind} ${r.subjectId} ${r.role} on ${r.glob.text}`).join(', ') || 'no grant'
    const reader = `${who.id}${who.readOnly ? ' reading only' : ''}`
    it(`of ${reader} on ${image} in a ${visibility} repository with ${grants}: ${expected || 'none'}`, () => {
      const repository = { id: 1, name: 'demo', visibility }
      const rights = grantedRights(who, repository, image, rules, ['web'])
      expect([...rights].sort().join(' ')).toBe(expected)
    })
  }
})
