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
import type { DeskDraftDocument, DeskEntryDocument } from '../desk-documents.ts'
import type {
  AlertChannelsDocument,
  AlertDocument,
  AlertGroupDocument,
  AlertPlaceDocument,
} from '../alert-documents.ts'
import type {
  AuditDocument,
  ConversationDocument,
  MessageDocument,
  ReadMarkDocument,
  RevocationDocument,
  SessionDocument,
  TicketDocument,
} from '../documents.ts'
import { createIndexCheck, prepareMongo, type Preparation } from '../schema/migrate-mongo.ts'
import { ServerClock } from './server-clock.ts'

/** Less than the 3 s that the port promises, so that a process may also wait for its core. */
const CALL_TIMEOUT_MS = 2500
const CLOSE_TIMEOUT_MS = 2000

/** Throws `UNAVAILABLE` when the time is over. */
export type CheckTime = () => void

export class MongoConnection {
  readonly sessions: GuardedCollection<SessionDocument>
  readonly messages: GuardedCollection<MessageDocument>
  readonly conversations: GuardedCollection<ConversationDocument>
  readonly revocations: GuardedCollection<RevocationDocument>
  readonly signInTickets: GuardedCollection<TicketDocument>
  readonly readMarks: GuardedCollection<ReadMarkDocument>
  readonly alerts: GuardedCollection<AlertDocument>
  readonly alertGroups: GuardedCollection<AlertGroupDocument>
  readonly alertPlaces: GuardedCollection<AlertPlaceDocument>
  readonly alertChannels: GuardedCollection<AlertChannelsDocument>
  readonly audit: GuardedCollection<AuditDocument>
  readonly deskEntries: GuardedCollection<DeskEntryDocument>
  readonly deskDrafts: GuardedCollection<DeskDraftDocument>
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
    this.revocations = refuseUndefined(db.collection('revocations'))
    this.signInTickets = refuseUndefined(db.collection('signInTickets'))
    this.readMarks = refuseUndefined(db.collection('readMarks'))
    this.alerts = refuseUndefined(db.collection('alerts'))
    this.alertGroups = refuseUndefined(db.collection('alertGroups'))
    this.alertPlaces = refuseUndefined(db.collection('alertPlaces'))
    this.alertChannels = refuseUndefined(db.collection('alertChannels'))
    this.audit = refuseUndefined(db.collection('audit'))
    this.deskEntries = refuseUndefined(db.collection('desk_entries'))
    this.deskDrafts = refuseUndefined(db.collection('desk_drafts'))
    this.clock = new ServerClock(db)
  }

  /** Every call to the store goes through here. It ends in time or rejects with `UNAVAILABLE`. */
  async call<T>(work: () => Promise<T>): Promise<T> {
    // Otherwise the driver would reconnect by itself.
    if (this.#isClosed) throw unavailable()
    return withinDeadline(CALL_TIMEOUT_MS, work)
  }

  /**
   * Returns a check for a call with several rounds. It throws once the call has taken too long,
   * because the caller has then got `UNAVAILABLE` and nothing more may begin.
   */
  startTimer(): CheckTime {
    const startedAt = performance.now()
    return () => {
      if (performance.now() - startedAt >= CALL_TIMEOUT_MS) throw unavailable()
    }
  }

  /** Also rejects if an index is missing, and reports which. */
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
 * Opens the connection. Rejects with `UNAVAILABLE` if no server answers. Rejects with an
 * `UnusableStoreError` if the URI is invalid, if the database belongs to a later version, or if it
 * cannot be migrated to this one. While it waits for a migration, it rejects with the signal's
 * reason.
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

/** An object with only async methods. */
type AsyncMethods<P> = { [K in keyof P]: (...args: never[]) => Promise<unknown> }

/** Returns `port` with each method run by `mongo.call`. */
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
