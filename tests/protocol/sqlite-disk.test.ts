import { protocolTests } from './protocol.ts'

protocolTests('SQLite and the disk', async () => ({ env: {}, stop: async () => {} }))
