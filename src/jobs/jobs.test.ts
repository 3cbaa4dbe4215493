import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { jobsContract } from './jobs.contract.ts'

describeOnEveryDatabase('jobs', jobsContract)
