import { databaseContract } from '../../tests/contracts/database.contract.ts'
import { SqliteDatabase } from './sqlite-database.ts'

databaseContract('SqliteDatabase', () => SqliteDatabase.open(':memory:'))
