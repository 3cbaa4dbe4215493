import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { storedImageContract } from './stored-image.contract.ts'

describeOnEveryDatabase('what is looked at of pushed images', storedImageContract)
