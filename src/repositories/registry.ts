import type { Permissions } from '../auth/permissions.ts'
import { listHolders } from '../catalog/blobs.ts'
import type { Action, Actor } from '../core/actor.ts'
import type { Digest } from '../core/digest.ts'
import { RegistryError } from '../core/errors.ts'
import { formatImageName, type ImageName } from '../core/names.ts'
import { type Page, type PageRequest, pageOf } from '../core/page.ts'
import type { RepositoryRecord } from '../core/repository.ts'
import { createRepository } from './create-repository.ts'
import type { RepositoryDirectory } from './directory.ts'
import { GuardedPackage, type GuardOptions } from './guarded.ts'
import { LocalPackage } from './local.ts'
import { LocalPast } from './local-past.ts'
import type { LocalServices } from './local-services.ts'
import type { DeletablePackage, ReadablePackage, WritablePackage } from './package.ts'
import type { PackagePast, RestorablePackage, RetaggablePackage } from './past.ts'
import { readableNames } from './readable-names.ts'

/** What the doors are built on. */
export interface RegistryOptions {
  readonly directory: RepositoryDirectory
  readonly permissions: Permissions
  readonly services: LocalServices
  readonly guard: GuardOptions
}

/** Packages with the same blob that are looked at for a mount without a source. */
const MOST_SOURCES = 50

/** Packages that are looked at in one step for a page of the catalogue, however small the page. */
const CATALOG_STEP = 200

/** The door: a permission is how you get a package, so no route can forget to check. */
export class Registry {
  readonly #options: RegistryOptions

  constructor(options: RegistryOptions) {
    this.#options = options
  }

  /** @throws RegistryError `UNAUTHORIZED`, or `NAME_UNKNOWN`: a private repository looks like a missing one */
  async toPull(actor: Actor, name: ImageName): Promise<ReadablePackage> {
    const repository = await this.#enter(actor, name, 'pull')
    const pkg = this.#local(repository, name, actor)
    const rule = repository.settings.policy
    if (rule.mode === 'off') return pkg
    return new GuardedPackage(pkg, rule, this.#options.guard)
  }

  /** What somebody who may pull may also look at, whatever the rule about pulls says. @throws as `toPull` */
  async toInspect(actor: Actor, name: ImageName): Promise<ReadablePackage> {
    return this.#local(await this.#enter(actor, name, 'pull'), name, actor)
  }

  /** A repository that is not there is made, private, when the actor may make one. @throws as `toPull`, `DENIED` */
  async toPush(actor: Actor, name: ImageName): Promise<WritablePackage> {
    const made = await this.#makeByPush(actor, name)
    return this.#local(made ?? (await this.#enter(actor, name, 'push')), name, actor)
  }

  /** What a push that was begun goes on with: nothing is made for it. @throws as `toPull`, `DENIED` */
  async toResume(actor: Actor, name: ImageName): Promise<WritablePackage> {
    return this.#local(await this.#enter(actor, name, 'push'), name, actor)
  }

  async #makeByPush(actor: Actor, name: ImageName): Promise<RepositoryRecord | null> {
    const { directory, permissions, services } = this.#options
    if (await directory.find(name.repository)) return null
    if (!(await permissions.mayCreateByPush(actor, formatImageName(name)))) return null
    const made = await createRepository(services.db, { name: name.repository }, actor, services.clock())
    directory.forget(name.repository)
    return made
  }

  /** @throws as `toPull`, `DENIED` for somebody who may pull but not delete */
  async toDelete(actor: Actor, name: ImageName): Promise<DeletablePackage> {
    return this.#local(await this.#enter(actor, name, 'delete'), name, actor)
  }

  /** What was in a package, and how its tags moved. @throws as `toPull` */
  async toLookBack(actor: Actor, name: ImageName): Promise<PackagePast> {
    return this.#past(await this.#enter(actor, name, 'pull'), name, actor)
  }

  /** @throws as `toDelete` */
  async toRestore(actor: Actor, name: ImageName): Promise<RestorablePackage> {
    return this.#past(await this.#enter(actor, name, 'delete'), name, actor)
  }

  /** @throws as `toResume` */
  async toRetag(actor: Actor, name: ImageName): Promise<RetaggablePackage> {
    return this.#past(await this.#enter(actor, name, 'push'), name, actor)
  }

  /**
   * Where a mount takes its blob from, or null: no right to read there is as if there were no such blob.
   *
   * @param from  null for any package that the actor may read
   * @throws RegistryError `UNAUTHORIZED` when a token that also speaks of the source would help
   */
  async findSource(actor: Actor, digest: Digest, from: ImageName | null): Promise<ReadablePackage | null> {
    const candidates = from ? [from] : await listHolders(this.#options.services.db, digest, MOST_SOURCES)
    const readable = await this.#firstAllowed(candidates, (repository, image) =>
      this.#options.permissions.may(actor, repository, image, 'pull'),
    )
    if (readable) return this.#local(readable.repository, readable.name, actor)
    const withToken = await this.#firstAllowed(candidates, (repository, image) =>
      this.#options.permissions.mightBeGiven(actor, repository, image, 'pull'),
    )
    if (!withToken) return null
    throw new RegistryError('UNAUTHORIZED', [
      { type: 'repository', name: formatImageName(withToken.name), action: 'pull' },
    ])
  }

  async #firstAllowed(
    names: readonly ImageName[],
    isAllowed: (repository: RepositoryRecord, image: string) => Promise<boolean>,
  ): Promise<{ repository: RepositoryRecord; name: ImageName } | null> {
    for (const name of names) {
      const repository = await this.#options.directory.find(name.repository)
      if (repository && (await isAllowed(repository, name.image))) return { repository, name }
    }
    return null
  }

  /**
   * Full names of packages that the actor may read, after one, in order.
   *
   * @throws RegistryError `UNAUTHORIZED` also for a stranger without a token, else clients that wait to be asked for
   *   their credentials would see only what is public
   */
  async catalog(actor: Actor, page: PageRequest): Promise<Page<string>> {
    const { directory, permissions, services } = this.#options
    const isUnasked = actor.kind === 'anonymous' && !actor.tokenAccess
    const reader = isUnasked ? null : await permissions.readerOfCatalog(actor)
    if (!reader) throw new RegistryError('UNAUTHORIZED', [{ type: 'registry', name: 'catalog', action: '*' }])
    const names: string[] = []
    if (page.limit === 0) return { items: names }
    const source = { db: services.db, directory, permissions }
    const first = page.limit + 1
    const steps = { first, step: Math.max(first, CATALOG_STEP) }
    for await (const name of readableNames(source, reader, page.after ?? '', steps)) {
      names.push(name)
      if (names.length > page.limit) break
    }
    return pageOf(names, page.limit, (name) => name)
  }

  #local(repository: RepositoryRecord, name: ImageName, actor: Actor): LocalPackage {
    return new LocalPackage(this.#options.services, repository, name.image, actor)
  }

  #past(repository: RepositoryRecord, name: ImageName, actor: Actor): LocalPast {
    const { services, guard } = this.#options
    return new LocalPast({ ...services, isScanned: guard.isScanned }, repository, name.image, actor)
  }

  async #enter(actor: Actor, name: ImageName, action: Action): Promise<RepositoryRecord> {
    const { directory, permissions } = this.#options
    const repository = await directory.find(name.repository)
    if (repository && (await permissions.may(actor, repository, name.image, action))) return repository
    const sees =
      repository !== null && action !== 'pull' && (await permissions.may(actor, repository, name.image, 'pull'))
    throw refusal(actor, name, action, sees)
  }
}

/**
 * A token or no credentials: 401, as a better token may help (distribution "token authentication"). Somebody who showed
 * who they are: 403 when they see the repository, else the same 404 as for a repository that is not there.
 */
function refusal(actor: Actor, name: ImageName, action: Action, sees: boolean): RegistryError {
  const full = formatImageName(name)
  if (grantsMissing(actor, full, action)) return new RegistryError('NAME_UNKNOWN', { name: full })
  if (actor.kind === 'anonymous' || actor.tokenAccess) {
    return new RegistryError('UNAUTHORIZED', [{ type: 'repository', name: full, action }])
  }
  return sees ? new RegistryError('DENIED', { name: full, action }) : new RegistryError('NAME_UNKNOWN', { name: full })
}

/** A token may speak of a repository that is not there (any more): then there is no better token. */
function grantsMissing(actor: Actor, name: string, action: Action): boolean {
  return actor.tokenAccess?.some((entry) => entry.name === name && entry.actions.includes(action)) ?? false
}
