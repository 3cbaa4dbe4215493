import { afterAll, beforeAll } from 'bun:test'
import { Administration } from '../harness/administration.ts'
import { type Backing, type BackingName, startBacking } from '../harness/backing.ts'
import { type Seawall, startSeawall } from '../harness/seawall.ts'
import type { Ground, Place, ReadingGround } from './ground.ts'
import { ImageClient } from './image-client.ts'
import { RegistryClient } from './registry-client.ts'

/** A server for the tests of a group; its parts are there once the group's tests run, not while they are described. */
export function useServer(name: BackingName): Ground {
  const unready = (): never => {
    throw new Error('the server is there only while tests run')
  }
  const current: { backing?: Backing; ground?: Ground } = {}
  beforeAll(async () => {
    const backing = await startBacking(name)
    current.backing = backing
    const server = await startSeawall({ env: backing.env })
    current.ground = groundOf(server)
    for (const visibility of ['private', 'public'] as const) {
      await current.ground.administration.createRepository(visibility, { visibility })
      await current.ground.administration.createRepository(`${visibility}-any`, { visibility, completeness: 'any' })
    }
  }, 120_000)
  afterAll(async () => {
    await current.ground?.server.stop()
    await current.backing?.stop()
  }, 60_000)
  const ground = () => current.ground ?? unready()
  return {
    takesPushes: true,
    place: (completeness) => ground().place(completeness),
    get server() {
      return ground().server
    },
    get admin() {
      return ground().admin
    },
    get administration() {
      return ground().administration
    },
  }
}

function groundOf(server: Seawall): Ground {
  const admin = new RegistryClient(server.url, { user: 'admin', password: server.adminPassword })
  const place = (completeness?: 'any'): Place => {
    const repository = completeness === 'any' ? 'private-any' : 'private'
    const image = new ImageClient(admin, `${repository}/${crypto.randomUUID()}`)
    return { push: image, pull: image }
  }
  const administration = new Administration(server.url, server.adminPassword)
  return { takesPushes: true, server, admin, administration, place }
}

/** The public images of a ground's server: pushed by who may, read by nobody in particular. */
export function readByStrangers(ground: Ground): ReadingGround {
  return {
    takesPushes: true,
    place(completeness) {
      const name = `${completeness === 'any' ? 'public-any' : 'public'}/${crypto.randomUUID()}`
      const stranger = new RegistryClient(ground.server.url, null)
      return { push: new ImageClient(ground.admin, name), pull: new ImageClient(stranger, name) }
    },
  }
}
