import { damagingBucket, damagingDisk } from '../../tests/harness/damaging-store.ts'
import { describeOnEveryDatabase } from '../../tests/harness/every-database.ts'
import { describeWith } from '../../tests/harness/program.ts'
import { S3_PROGRAM } from '../../tests/harness/s3.ts'
import { reconcileContract } from './reconcile.contract.ts'
import { scrubContract } from './scrub.contract.ts'

describeOnEveryDatabase('checking what is stored on the disk', (open) => {
  scrubContract(open, damagingDisk)
  reconcileContract(open, damagingDisk)
})

describeWith([S3_PROGRAM], 'in a bucket', () => {
  describeOnEveryDatabase('checking what is stored in a bucket', (open) => {
    scrubContract(open, damagingBucket)
    reconcileContract(open, damagingBucket)
  })
})
