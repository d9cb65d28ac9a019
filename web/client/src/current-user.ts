import type { GetToken } from './connection/connection.ts'
import { readSubject } from './connection/token-source.ts'

export interface CurrentUserOptions {
  /** `former` is empty where this is the first user. */
  onChange(userId: string, former: string): void
  /** The connection is another user's. */
  restart(): void
}

/** Whose chat this is. A token says so before the server does, so that nothing waits for that. */
export class CurrentUser {
  readonly #options: CurrentUserOptions
  #id = ''
  /** Of the latest token, where it can be read. */
  #subject: string | undefined

  constructor(options: CurrentUserOptions) {
    this.#options = options
  }

  get id(): string {
    return this.#id
  }

  /** `getToken`, with a look at each token that it gives. */
  watch(getToken: GetToken): GetToken {
    return async (wish) => {
      const token = await getToken(wish)
      this.#subject = readSubject(token)
      if (this.#subject !== undefined && this.#change(this.#subject)) this.#options.restart()
      return token
    }
  }

  /** The server has let this user in. False where another user's token came meanwhile. */
  onReady(userId: string): boolean {
    if (this.#subject !== undefined && this.#subject !== userId) {
      this.#options.restart()
      return false
    }
    this.#change(userId)
    return true
  }

  #change(userId: string): boolean {
    if (userId === this.#id) return false
    const former = this.#id
    this.#id = userId
    this.#options.onChange(userId, former)
    return true
  }
}
