import { protocolTests } from './protocol.ts'

protocolTests('sqlite-disk')
