import { protocolTests } from './protocol.ts'

protocolTests('postgres-s3')
