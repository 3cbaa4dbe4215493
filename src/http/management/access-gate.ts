import type { Permissions } from '../../auth/permissions.ts'
import type { Right } from '../../auth/role.ts'
import type { Actor } from '../../core/actor.ts'
import { RegistryError } from '../../core/errors.ts'
import type { RepositoryRecord } from '../../core/repository.ts'
import type { RepositoryDirectory } from '../../repositories/directory.ts'

/** The doors of the management API: who does not get through learns nothing of what is behind. */
export class AccessGate {
  readonly #permissions: Permissions
  readonly #directory: RepositoryDirectory

  constructor(permissions: Permissions, directory: RepositoryDirectory) {
    this.#permissions = permissions
    this.#directory = directory
  }

  /** @throws RegistryError `UNAUTHORIZED` for a stranger, or for a registry token: that is for pulling and pushing */
  signedIn(actor: Actor): Actor {
    if (actor.kind === 'user' && !actor.tokenAccess) return actor
    throw new RegistryError('UNAUTHORIZED')
  }

  /** Somebody signed in who may also change things. @throws RegistryError `DENIED` for a read-only token */
  writer(actor: Actor): Actor {
    if (this.signedIn(actor).readOnly) {
      throw new RegistryError('DENIED', undefined, { message: 'this access token may only read' })
    }
    return actor
  }

  /** @throws RegistryError `UNAUTHORIZED`, `DENIED` */
  administrator(actor: Actor): Actor {
    if (this.writer(actor).isAdmin) return actor
    throw new RegistryError('DENIED', undefined, { message: 'only an administrator may do this' })
  }

  /** An administrator who only looks: a token that may only read will do. @throws RegistryError `UNAUTHORIZED`, `DENIED` */
  overseer(actor: Actor): Actor {
    if (this.signedIn(actor).isAdmin) return actor
    throw new RegistryError('DENIED', undefined, { message: 'only an administrator may see this' })
  }

  /** A repository that the actor may see, be it only a part of it. @throws RegistryError `NOT_FOUND`, `UNAUTHORIZED` */
  async visible(actor: Actor, name: string): Promise<RepositoryRecord> {
    const found = await this.#directory.find(name)
    if (found && (await this.#permissions.maySee(actor, found))) return found
    throw missing(actor, name)
  }

  /**
   * A repository for somebody who has a right over it.
   *
   * @throws RegistryError `NOT_FOUND` it is not there, or the actor may not see it; `DENIED` seen, but not that right
   */
  async repository(actor: Actor, name: string, right: Right): Promise<RepositoryRecord> {
    const found = await this.#directory.find(name)
    if (found && (await this.#permissions.may(actor, found, null, right))) return found
    if (found && right !== 'pull' && (await this.#permissions.may(actor, found, null, 'pull'))) {
      throw new RegistryError('DENIED', { repository: name, right })
    }
    throw missing(actor, name)
  }
}

/** The same for what is not there and what may not be seen. */
function missing(actor: Actor, name: string): RegistryError {
  if (actor.kind === 'anonymous' || actor.tokenAccess) return new RegistryError('UNAUTHORIZED')
  return new RegistryError('NOT_FOUND', { repository: name.slice(0, 200) }, { message: 'there is no such repository' })
}
