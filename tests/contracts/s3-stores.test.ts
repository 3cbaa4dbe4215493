import { S3BlobStore } from '../../src/storage/s3-blob-store.ts'
import type { S3Options } from '../../src/storage/s3-options.ts'
import { S3UploadStore } from '../../src/storage/s3-upload-store.ts'
import { describeWith } from '../harness/program.ts'
import { S3_PROGRAM, startS3 } from '../harness/s3.ts'
import { blobStoreContract } from './blob-store.contract.ts'
import type { StorePlace } from './stores.ts'
import { uploadStoreContract } from './upload-store.contract.ts'

async function s3Place(more: Partial<S3Options> = {}): Promise<StorePlace> {
  const server = await startS3()
  const { endpoint, region, accessKey, secretKey } = server
  const options = { endpoint, region, accessKey, secretKey, bucket: await server.createBucket(), ...more }
  return {
    open: () => ({ blobs: new S3BlobStore(options), uploads: new S3UploadStore(options) }),
    remove: () => server.stop(),
  }
}

describeWith([S3_PROGRAM], 'the S3 stores', () => {
  uploadStoreContract('S3UploadStore', () => s3Place())
  blobStoreContract('S3BlobStore', () => s3Place({ prefix: 'some/where/' }))
  blobStoreContract('S3BlobStore with links', () => s3Place({ linkSeconds: 60 }))
})
