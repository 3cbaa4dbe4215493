import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { accessTokensContract } from './access-tokens.contract.ts'
import { permissionsContract } from './permissions.contract.ts'
import { registryTokensContract } from './registry-tokens.contract.ts'
import { usersContract } from './users.contract.ts'

describeOnEveryDatabase('access control', (open) => {
  usersContract(open)
  accessTokensContract(open)
  registryTokensContract(open)
  permissionsContract(open)
})
