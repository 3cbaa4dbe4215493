import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { collectorContract } from './collector.contract.ts'
import { purgeContract } from './purge.contract.ts'

describeOnEveryDatabase('the collector', collectorContract)
describeOnEveryDatabase('purging', purgeContract)
