/** A token for the next connection. `renew`: the last one was refused or is about to expire. */
export type GetToken = (wish: { renew: boolean }) => Promise<string>

export interface IssuedToken {
  token: string
  /** ISO 8601. */
  expiresAt: string
}

/** A token this close to its end is not worth a handshake. */
const MIN_LEFT_MS = 90_000

/** Keeps a token in memory until it is about to expire; callers at the same time share one request. */
export function createTokenSource(issue: () => Promise<IssuedToken>): GetToken {
  let known: IssuedToken | undefined
  let underWay: Promise<IssuedToken> | undefined
  return async ({ renew }) => {
    if (known && !renew && Date.parse(known.expiresAt) - Date.now() > MIN_LEFT_MS) {
      return known.token
    }
    underWay ??= issue().finally(() => (underWay = undefined))
    known = await underWay
    return known.token
  }
}

/**
 * Whose token this is, as the server will read it: the claim `sub`, or `user_id` in its place.
 * Nothing is verified. Undefined for anything that is no such token.
 */
export function readSubject(token: string): string | undefined {
  try {
    const encoded = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown> | null
    const subject = claims?.sub ?? claims?.user_id
    return typeof subject === 'string' ? subject : undefined
  } catch {
    return undefined
  }
}

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
