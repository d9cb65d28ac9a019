import { AppError } from '@chatbox/core'
import { MongoClient, MongoError, ReadConcernLevel, ReadPreference, type Collection } from 'mongodb'
import { isIndexNotFound, unavailable, withinDeadline } from './deadline.ts'
import type { ConversationDocument, MessageDocument, SessionDocument } from './documents.ts'
import { FORMER_INDEX, MESSAGE_INDEXES, SESSION_INDEXES } from './indexes.ts'
import { ServerClock } from './server-clock.ts'

/** Below the 3 s that the port promises, with room for a process that waits for its core. */
const CALL_TIMEOUT_MS = 2500
/** For the server to give up what nobody waits for any more. */
const COMMAND_TIMEOUT_MS = 2300
/** To build indexes on a large collection that has none yet. */
const OPEN_TIMEOUT_MS = 60_000
const CLOSE_TIMEOUT_MS = 2000

/** Passed with each command. */
export const BOUNDED = { maxTimeMS: COMMAND_TIMEOUT_MS } as const

export class MongoConnection {
  readonly sessions: Collection<SessionDocument>
  readonly messages: Collection<MessageDocument>
  readonly conversations: Collection<ConversationDocument>
  readonly clock: ServerClock
  readonly #client: MongoClient
  #isClosed = false

  constructor(client: MongoClient, database: string) {
    const db = client.db(database)
    this.#client = client
    this.sessions = db.collection('sessions')
    this.messages = db.collection('messages')
    this.conversations = db.collection('conversations')
    this.clock = new ServerClock(db)
  }

  /** Every call of the store goes through here: in time, or `UNAVAILABLE`. */
  async call<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    // The driver would connect again by itself.
    if (this.#isClosed) throw unavailable()
    return withinDeadline(CALL_TIMEOUT_MS, work)
  }

  async ping(): Promise<void> {
    await this.call(() => this.#client.db('admin').command({ ping: 1, ...BOUNDED }))
  }

  async prepare(): Promise<void> {
    await withinDeadline(OPEN_TIMEOUT_MS, async () => {
      await this.sessions.createIndexes(SESSION_INDEXES)
      await this.messages.createIndexes(MESSAGE_INDEXES)
      await this.messages.dropIndex(FORMER_INDEX).catch((error: unknown) => {
        if (!isIndexNotFound(error)) throw error
      })
      await this.clock.now()
    })
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await withinDeadline(CLOSE_TIMEOUT_MS, () => this.#client.close(true)).catch(() => undefined)
  }
}

/** Rejects with `UNAVAILABLE` where no server answers, with the driver's error for a faulty URI. */
export async function openMongoConnection(uri: string, database: string): Promise<MongoConnection> {
  const client = new MongoClient(uri, {
    appName: 'chatbox',
    ignoreUndefined: true,
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: COMMAND_TIMEOUT_MS },
    // What a failover can take back is neither shown nor acknowledged as a repetition.
    readConcern: { level: ReadConcernLevel.majority },
    readPreference: ReadPreference.primary,
    maxPoolSize: 20,
    serverSelectionTimeoutMS: 2000,
    waitQueueTimeoutMS: 2000,
    connectTimeoutMS: 2000,
    socketTimeoutMS: 4000,
    heartbeatFrequencyMS: 3000,
  })
  const connection = new MongoConnection(client, database)
  try {
    await connection.prepare()
    return connection
  } catch (error) {
    await connection.close()
    throw toOpenError(error)
  }
}

/** Whoever starts a process reads this: what is wrong, in one line. */
function toOpenError(error: unknown): unknown {
  if (!(error instanceof AppError)) return error
  const { cause } = error
  const [reason = ''] = cause instanceof MongoError ? cause.message.split('\n', 1) : []
  return new AppError('UNAVAILABLE', `MongoDB cannot be used: ${reason || 'no answer'}`, { cause })
}
