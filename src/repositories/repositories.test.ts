import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { uploadsContract } from './uploads.contract.ts'

describeOnEveryDatabase('uploads', uploadsContract)
