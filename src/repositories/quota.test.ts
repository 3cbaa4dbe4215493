import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { quotaContract } from './quota.contract.ts'

describeOnEveryDatabase('quotas', quotaContract)
