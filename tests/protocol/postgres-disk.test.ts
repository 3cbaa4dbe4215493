import { protocolTests } from './protocol.ts'

protocolTests('postgres-disk')
