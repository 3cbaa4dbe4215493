import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { retentionContract } from './retention.contract.ts'

describeOnEveryDatabase('retention', retentionContract)
