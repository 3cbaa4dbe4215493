import { DiskBlobStore } from '../../src/storage/disk-blob-store.ts'
import { DiskUploadStore } from '../../src/storage/disk-upload-store.ts'
import { removeFolder, temporaryFolder } from '../harness/temporary-folder.ts'
import { blobStoreContract } from './blob-store.contract.ts'
import type { StorePlace } from './stores.ts'
import { uploadStoreContract } from './upload-store.contract.ts'

async function diskPlace(): Promise<StorePlace> {
  const folder = await temporaryFolder('store')
  return {
    open: () => ({ blobs: new DiskBlobStore(folder), uploads: new DiskUploadStore(folder) }),
    remove: () => removeFolder(folder),
  }
}

uploadStoreContract('DiskUploadStore', diskPlace)
blobStoreContract('DiskBlobStore', diskPlace)
