import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { artifactsContract } from './artifacts.contract.ts'
import { doorsContract } from './doors.contract.ts'
import { immutableTagsContract } from './immutable-tags.contract.ts'
import { pastContract } from './past.contract.ts'
import { pastAttacksContract } from './past-attacks.contract.ts'
import { pastRacesContract } from './past-races.contract.ts'
import { uploadsContract } from './uploads.contract.ts'

describeOnEveryDatabase('doors', doorsContract)
describeOnEveryDatabase('uploads', uploadsContract)
describeOnEveryDatabase('artifacts', artifactsContract)
describeOnEveryDatabase('the past', pastContract)
describeOnEveryDatabase('immutable tags', immutableTagsContract)
describeOnEveryDatabase('races with the past', pastRacesContract)
describeOnEveryDatabase('attacks on the past', pastAttacksContract)
