import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { collectionContract } from './collection.contract.ts'

describeOnEveryDatabase('reviewing links', collectionContract)
