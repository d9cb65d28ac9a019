import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '@chatbox/contract'
import { signToken } from '../../../tests/environment/tokens.ts'
import {
  socketUrl,
  WireClient,
  WireError,
  type Dialect,
  type WireOptions,
} from '../../../tests/environment/wire-client.ts'

interface LineOptions extends Pick<WireOptions, 'onEvent' | 'onClose'> {
  dialect?: Dialect
  token?: string
}

const MAX_TRIES = 20
const RETRY_MS = 500

/** A connection that the server has admitted. */
export async function openLine(
  server: { port: number },
  { token, ...options }: LineOptions,
): Promise<WireClient> {
  const { dialect = 'engine.io' } = options
  const line = await WireClient.connect(socketUrl(server, { dialect }), options)
  await line.login(token)
  return line
}

export interface User {
  line: WireClient
  session: Session
}

interface UserOptions extends Omit<LineOptions, 'token' | 'dialect'> {
  roles?: string[]
  /** The session to open and the seq to read from. By default the user's current session. */
  range?: { sessionId: string; afterSeq?: number }
}

/** A user of the product with an open session. */
export async function openUser(
  server: { port: number },
  name: string,
  { roles, range, ...options }: UserOptions = {},
): Promise<User> {
  const token = await signToken({ sub: name, ...(roles && { roles }) })
  const line = await openLine(server, { token, ...options })
  try {
    const { session } = await prepare<{ session: Session }>(line, 'session:open', range ?? {})
    return { line, session }
  } catch (error) {
    line.close()
    throw error
  }
}

/**
 * Sends a request and repeats it while the server says that its store is too slow, like every
 * client. Use it only to prepare a measurement, and only with payloads that are idempotent.
 */
export async function prepare<T>(line: WireClient, event: string, payload: object): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await line.request<T>(event, payload)
    } catch (error) {
      const isAway = error instanceof WireError && error.code === 'UNAVAILABLE'
      if (!isAway || tries === MAX_TRIES) throw error
      await sleep(RETRY_MS)
    }
  }
}
