import type { Completeness, Visibility } from '../../src/core/repository.ts'

/** What a test asks of a new repository, where it is not the default. */
export interface RepositoryWishes {
  readonly visibility?: Visibility
  readonly completeness?: Completeness
}

/** The part of the management API that tests stand on. */
export class Administration {
  readonly #url: string
  readonly #authorization: string

  constructor(url: string, adminPassword: string) {
    this.#url = `${url}/api/v1/`
    this.#authorization = `Basic ${btoa(`admin:${adminPassword}`)}`
  }

  /** Makes a local OCI repository. */
  createRepository(name: string, wishes: RepositoryWishes = {}): Promise<void> {
    return this.#send('POST', 'repositories', { name, ...wishes })
  }

  /** Makes a user who may do nothing yet, not even make a repository. */
  createUser(name: string, password: string): Promise<void> {
    return this.#send('POST', 'users', { name, password, mayCreateRepositories: false })
  }

  /** @param image  `<repository>/<image>`; the image may be a pattern */
  grant(user: string, role: 'reader' | 'writer' | 'maintainer', image: string): Promise<void> {
    const slash = image.indexOf('/')
    const grant = { images: image.slice(slash + 1), subjectKind: 'user', subject: user, role }
    return this.#send('POST', `repositories/${image.slice(0, slash)}/grants`, grant)
  }

  async #send(method: string, path: string, body: object): Promise<void> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  }
}
