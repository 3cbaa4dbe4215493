/**
 * What a request of the registry protocol is about, in the words of the metrics.
 *
 * Read from the path's right end, as names may hold these words too; the protocol's own router judges the path.
 */
export function registryRoute(path: string): string {
  const last = path.lastIndexOf('/')
  const before = path.lastIndexOf('/', last - 1)
  switch (path.slice(before + 1, last)) {
    case 'manifests':
      return 'manifest'
    case 'blobs':
      return path.endsWith('/uploads') ? 'upload' : 'blob'
    case 'uploads':
      return 'upload'
    case 'tags':
      return 'tags'
    case 'referrers':
      return 'referrers'
    case 'v2':
      return path.endsWith('/_catalog') ? 'catalog' : 'base'
    default:
      return path === '/v2' ? 'base' : 'other'
  }
}
