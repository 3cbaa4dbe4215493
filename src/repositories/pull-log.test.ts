import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { pullLogContract } from './pull-log.contract.ts'

describeOnEveryDatabase('the log of pulls', pullLogContract)
