import {
  settlesWithin,
  type Alerts,
  type AuditLog,
  type ConversationRefs,
  type DeskLog,
  type Inbox,
  type MessageLog,
  type ReplyClaims,
  type Revocations,
  type SchemaHooks,
  type Sessions,
  type SignInTickets,
} from '@chatbox/core'
import type { Store } from '../backend.ts'
import { openJson, sealJson, toContext, type RecordDeps } from '../sealed/key-ring.ts'
import { BOUNDED } from './client/client.ts'
import { openMongoConnection, withCall, type MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/errors.ts'
import { toKey } from './documents.ts'
import { MongoAlerts } from './mongo-alerts.ts'
import { HeadCache } from './head-cache.ts'
import { MongoDeskLog } from './mongo-desk-log.ts'
import { MongoInbox } from './mongo-inbox.ts'
import { MongoAuditLog } from './mongo-audit-log.ts'
import { MongoLog } from './mongo-log.ts'
import { MongoReplyClaims } from './mongo-reply-claims.ts'
import { MongoRevocations } from './mongo-revocations.ts'
import { MongoSessions } from './mongo-sessions.ts'
import { MongoSignInTickets } from './mongo-sign-in-tickets.ts'

export interface MongoStoreOptions extends RecordDeps {
  uri: string
  database: string
  hooks: RecordDeps['hooks'] & SchemaHooks
  /** Ends the wait for a database that another process is migrating. */
  signal?: AbortSignal
}

const FLUSH_TIMEOUT_MS = 2000

/**
 * The store of a cluster. It needs only single documents and unique indexes: no transactions,
 * change streams, pipeline updates or partial indexes. Rejects with `UNAVAILABLE` if no server
 * answers; the caller decides whether to wait.
 */
export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const { uri: mongoUri, database: mongoDatabase, cipher, hooks } = options
  const { signal = new AbortController().signal } = options
  const mongo = await openMongoConnection({ mongoUri, mongoDatabase, signal, hooks })
  const deps = { cipher, hooks }
  const heads = new HeadCache(mongo, deps)
  const sessions = new MongoSessions(mongo, deps, heads)
  const alerts = new MongoAlerts(mongo, deps)
  const desks = new MongoDeskLog(mongo, deps, sessions)
  let closed: Promise<void> | undefined

  async function close(): Promise<void> {
    await settlesWithin(FLUSH_TIMEOUT_MS, heads.flush())
    await mongo.close()
  }

  return {
    sessions: withCall<Sessions>(mongo, sessions),
    messages: withCall<MessageLog>(mongo, new MongoLog(mongo, deps, { sessions, alerts })),
    replies: withCall<ReplyClaims>(mongo, new MongoReplyClaims(mongo, deps)),
    conversationRefs: withCall<ConversationRefs>(mongo, new MongoConversationRefs(mongo, deps)),
    alerts: withCall<Alerts>(mongo, alerts),
    inbox: withCall<Inbox>(mongo, new MongoInbox(mongo, deps, { sessions, desks })),
    desks: withCall<DeskLog>(mongo, desks),
    revocations: withCall<Revocations>(mongo, new MongoRevocations(mongo)),
    signInTickets: withCall<SignInTickets>(mongo, new MongoSignInTickets(mongo, deps)),
    audit: withCall<AuditLog>(mongo, new MongoAuditLog(mongo, deps)),
    ping: () => mongo.ping(),
    close: () => (closed ??= close()),
  }
}

class MongoConversationRefs implements ConversationRefs {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async read(sessionId: string, modelId: string): Promise<string | undefined> {
    const _id = toId(sessionId, modelId)
    const found = await this.#mongo.conversations.findOne({ _id }, BOUNDED)
    const ref = openJson(this.#deps, found?.sealed, toContext('ref', sessionId, modelId))
    return typeof ref === 'string' ? ref : undefined
  }

  async save(sessionId: string, modelId: string, ref: string): Promise<void> {
    const sealed = sealJson(this.#deps, ref, toContext('ref', sessionId, modelId))
    const save = () =>
      this.#mongo.conversations.updateOne(
        { _id: toId(sessionId, modelId) },
        { $set: { sealed } },
        { ...BOUNDED, upsert: true },
      )
    // If two first writes race, one fails to insert and then finds a document to update.
    await save().catch((error: unknown) => {
      if (isDuplicateKey(error)) return save()
      throw error
    })
  }
}

function toId(sessionId: string, modelId: string): string {
  return toKey(`${toKey(sessionId)}/${toKey(modelId)}`)
}
