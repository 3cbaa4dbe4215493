import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/** Removes the socket file of a program that ended without doing so; one that still answers, or any other file, stays. */
export async function removeStaleSocket(path: string): Promise<void> {
  const file = await lstat(path).catch(() => null)
  if (file?.isSocket() && !(await isAnswered(path))) await unlink(path)
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    // Only a refusal proves that nobody is there; a lack of permission, for one, does not.
    socket.on('error', (error) => resolve(!('code' in error) || error.code !== 'ECONNREFUSED'))
  })
}
