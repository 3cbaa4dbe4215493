import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { artifactsContract } from './artifacts.contract.ts'
import { doorsContract } from './doors.contract.ts'
import { uploadsContract } from './uploads.contract.ts'

describeOnEveryDatabase('doors', doorsContract)
describeOnEveryDatabase('uploads', uploadsContract)
describeOnEveryDatabase('artifacts', artifactsContract)
