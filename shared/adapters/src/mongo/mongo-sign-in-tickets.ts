import {
  AppError,
  TICKET_KNOWN_MS,
  type SignInTicket,
  type SignInTickets,
  type TicketUse,
} from '@chatbox/core'
import { openTicket, sealTicket, toUnused } from '../sealed/ticket-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/errors.ts'
import { toKey, type TicketDocument } from './documents.ts'

export class MongoSignInTickets implements SignInTickets {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps

  constructor(mongo: MongoConnection, deps: RecordDeps) {
    this.#mongo = mongo
    this.#deps = deps
  }

  async create(ticket: SignInTicket, ttlMs: number): Promise<void> {
    const now = (await this.#mongo.clock.now()).getTime()
    const over = { endsAt: { $lt: new Date(now - TICKET_KNOWN_MS) } }
    await this.#mongo.signInTickets.deleteMany(over, BOUNDED)
    const document: TicketDocument = {
      _id: toKey(ticket.digest),
      browser: ticket.browser ?? null,
      sealed: sealTicket(this.#deps, ticket),
      endsAt: new Date(now + ttlMs),
      usedAt: null,
    }
    await this.#mongo.signInTickets.insertOne(document, BOUNDED).catch((error: unknown) => {
      if (isDuplicateKey(error)) throw new AppError('CONFLICT', 'This ticket exists.')
      throw error
    })
  }

  async use(digest: string, browser?: string): Promise<TicketUse> {
    const now = await this.#mongo.clock.now()
    const _id = toKey(digest)
    const used = await this.#mongo.signInTickets.findOneAndUpdate(
      { _id, usedAt: null, endsAt: { $gt: now }, browser: { $in: [null, browser ?? null] } },
      { $set: { usedAt: now } },
      BOUNDED,
    )
    if (used) return openTicket(this.#deps, digest, used.sealed)
    const found = await this.#mongo.signInTickets.findOne({ _id }, BOUNDED)
    if (!found) return { outcome: 'unknown' }
    return toUnused(
      { usedAt: found.usedAt?.getTime(), endsAt: found.endsAt.getTime() },
      now.getTime(),
    )
  }
}
