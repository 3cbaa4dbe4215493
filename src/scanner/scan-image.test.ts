import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { scanImageContract } from './scan-image.contract.ts'

describeOnEveryDatabase('scans of pushed images', scanImageContract)
