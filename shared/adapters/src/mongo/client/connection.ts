import type { AdapterHooks } from '@chatbox/core'
import type { MongoClient } from 'mongodb'
import { createReporter } from '../../common/report.ts'
import {
  BOUNDED,
  createMongoClient,
  refuseUndefined,
  withinDeadline,
  type GuardedCollection,
} from './client.ts'
import { toOpenError, unavailable } from './errors.ts'
import type { ConversationDocument, MessageDocument, SessionDocument } from '../documents.ts'
import { createIndexCheck, prepareMongo, type Preparation } from '../schema/migrate-mongo.ts'
import { ServerClock } from './server-clock.ts'

/** Below the 3 s that the port promises, with room for a process that waits for its core. */
const CALL_TIMEOUT_MS = 2500
const CLOSE_TIMEOUT_MS = 2000

/** Throws `UNAVAILABLE` when the time is over. */
export type CheckTime = () => void

export class MongoConnection {
  readonly sessions: GuardedCollection<SessionDocument>
  readonly messages: GuardedCollection<MessageDocument>
  readonly conversations: GuardedCollection<ConversationDocument>
  readonly clock: ServerClock
  readonly #client: MongoClient
  readonly #checkIndexes: () => Promise<void>
  readonly #report: (error: unknown) => void
  #isClosed = false

  constructor(client: MongoClient, database: string, hooks: Pick<AdapterHooks, 'onError'>) {
    const db = client.db(database)
    this.#client = client
    this.#checkIndexes = createIndexCheck(db)
    this.#report = createReporter(hooks, 'mongo')
    this.sessions = refuseUndefined(db.collection('sessions'))
    this.messages = refuseUndefined(db.collection('messages'))
    this.conversations = refuseUndefined(db.collection('conversations'))
    this.clock = new ServerClock(db)
  }

  /** Every call of the store goes through here: in time, or `UNAVAILABLE`. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    // The driver would connect again by itself.
    if (this.#isClosed) throw unavailable()
    return withinDeadline(CALL_TIMEOUT_MS, work)
  }

  /**
   * For a call that goes on in rounds: a check that throws once the call has taken too long, because
   * its caller has been given `UNAVAILABLE` then and nothing more may be begun.
   */
  startTimer(): CheckTime {
    const startedAt = performance.now()
    return () => {
      if (performance.now() - startedAt >= CALL_TIMEOUT_MS) throw unavailable()
    }
  }

  /** Also rejects, and reports which, where an index is missing. */
  async ping(): Promise<void> {
    await this.call(() => this.#client.db('admin').command({ ping: 1, ...BOUNDED }))
    await this.#checkIndexes().catch((error: unknown) => {
      this.#report(error)
      throw error
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await withinDeadline(CLOSE_TIMEOUT_MS, () => this.#client.close(true)).catch(() => undefined)
  }
}

/**
 * Rejects with `UNAVAILABLE` where no server answers, with an `UnusableStoreError` for a faulty URI,
 * the database of a later version or one that cannot be brought to this one, and with the signal's
 * reason where it waits for that.
 */
export async function openMongoConnection(
  options: Preparation & { hooks: Pick<AdapterHooks, 'onError'> },
): Promise<MongoConnection> {
  const { mongoUri, mongoDatabase } = options
  const client = createMongoClient(mongoUri)
  const connection = new MongoConnection(client, mongoDatabase, options.hooks)
  try {
    await prepareMongo(client.db(mongoDatabase), options)
    await connection.call(() => connection.clock.now())
    return connection
  } catch (error) {
    await connection.close()
    throw toOpenError(error)
  }
}

/** An object whose every method answers with a promise. */
type AsyncMethods<P> = { [K in keyof P]: (...args: never[]) => Promise<unknown> }

/** `port` with each of its methods run by `mongo.call`: in time, or `UNAVAILABLE`. */
export function withCall<P extends object & AsyncMethods<P>>(mongo: MongoConnection, port: P): P {
  return new Proxy(port, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...args: unknown[]) =>
        mongo.call(async (): Promise<unknown> => Reflect.apply(method, target, args))
    },
  })
}
