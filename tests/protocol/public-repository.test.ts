import { describe } from 'bun:test'
import { readingTests } from './protocol.ts'
import { readByStrangers, useServer } from './use-server.ts'

describe('a public repository, read by strangers', () => {
  readingTests(readByStrangers(useServer('sqlite-disk')))
})
