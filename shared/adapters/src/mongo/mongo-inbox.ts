import {
  toListCursor,
  toListPlace,
  type Inbox,
  type InboxEntry,
  type InboxList,
  type InboxMark,
  type InboxPage,
  type ReadMark,
} from '@chatbox/core'
import type { Filter } from 'mongodb'
import { z } from 'zod'
import { toInboxEntry } from '../sealed/inbox-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { readEach, skipRefused } from '../sealed/session-record.ts'
import { BOUNDED } from './client/client.ts'
import type { MongoConnection } from './client/connection.ts'
import { isDuplicateKey } from './client/errors.ts'
import { toKey, type ReadMarkDocument, type SessionDocument } from './documents.ts'
import type { MongoDeskLog } from './mongo-desk-log.ts'
import type { MongoSessions } from './mongo-sessions.ts'

const textsSchema = z.object({ state: z.object({ userTexts: z.int().optional() }) })

/** The sessions of all users, from their projections. */
export class MongoInbox implements Inbox {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #sessions: MongoSessions
  readonly #desks: MongoDeskLog

  constructor(
    mongo: MongoConnection,
    deps: RecordDeps,
    { sessions, desks }: { sessions: MongoSessions; desks: MongoDeskLog },
  ) {
    this.#mongo = mongo
    this.#deps = deps
    this.#sessions = sessions
    this.#desks = desks
  }

  async now(): Promise<Date> {
    return this.#mongo.clock.now()
  }

  async listActive({
    afterId,
    limit,
    isChecked,
  }: {
    afterId: string
    limit: number
    isChecked: boolean
  }): Promise<{ entries: InboxEntry[]; lastId: string | undefined }> {
    const documents = await this.#mongo.sessions
      .find({ _id: { $gt: toKey(afterId) }, status: 'active' }, BOUNDED)
      .sort({ _id: 1 })
      .limit(limit)
      .toArray()
    const lastId = documents.length < limit ? undefined : documents.at(-1)?._id
    if (!isChecked) return { entries: this.#toEntries(documents), lastId }
    const checked = await Promise.all(documents.map((document) => this.#toChecked(document)))
    const entries = checked.filter((entry) => entry?.session.status === 'active')
    return { entries: entries.filter((entry) => entry !== undefined), lastId }
  }

  async listChanges({ changedAt, sessionId }: InboxMark, limit: number): Promise<InboxMark[]> {
    const after: Filter<SessionDocument> = {
      $or: [{ changedAt: { $gt: changedAt } }, { changedAt, _id: { $gt: toKey(sessionId) } }],
    }
    const documents = await this.#mongo.sessions
      // The first condition bounds the walk through the index.
      .find({ changedAt: { $gte: changedAt }, ...after }, { ...BOUNDED, projection: MARK_FIELDS })
      .sort({ changedAt: 1, _id: 1 })
      .limit(limit)
      .toArray()
    return documents.flatMap(({ _id, changedAt: at }) =>
      at === undefined ? [] : [{ sessionId: _id, changedAt: at }],
    )
  }

  async read(sessionIds: readonly string[]): Promise<InboxEntry[]> {
    if (sessionIds.length === 0) return []
    const filter = { _id: { $in: sessionIds.map(toKey) } }
    return this.#toEntries(await this.#mongo.sessions.find(filter, BOUNDED).toArray())
  }

  async list(list: InboxList): Promise<InboxPage> {
    const { sort, order, limit } = list
    const direction = toKey(order) === 'asc' ? 1 : -1
    const documents = await this.#mongo.sessions
      .find(toFilter(list), BOUNDED)
      .sort({ [toKey(sort)]: direction, _id: direction })
      .limit(limit + 1)
      .toArray()
    const page = documents.slice(0, limit)
    const last = documents.length > limit ? page.at(-1) : undefined
    return {
      entries: this.#toEntries(page),
      next: last && toListCursor(list, { time: last[sort], id: last._id }),
    }
  }

  async countEnded(limit: number): Promise<number> {
    return this.#mongo.sessions.countDocuments({ status: 'ended' }, { ...BOUNDED, limit })
  }

  async moveReadMark(operatorId: string, sessionId: string, seq: number): Promise<void> {
    const entry = await this.#mongo.messages.findOne(
      { sessionId: toKey(sessionId), seq },
      { ...BOUNDED, projection: { 'state.userTexts': 1 } },
    )
    const userTexts = textsSchema.safeParse(entry).data?.state.userTexts ?? 0
    const key = toMarkKey(operatorId, sessionId)
    const move = () =>
      this.#mongo.readMarks.updateOne(
        { _id: key, seq: { $lt: seq } },
        {
          $set: { operatorId: toKey(operatorId), sessionId: toKey(sessionId), seq, userTexts },
          $currentDate: { movedAt: true },
        },
        { ...BOUNDED, upsert: true },
      )
    // An upsert inserts where the mark is not lower, and fails: then it is there already. So does
    // the first write of two that race, and the second try tells them apart.
    await move().catch(async (error: unknown) => {
      if (!isDuplicateKey(error)) throw error
      await move().catch(ignoreDuplicate)
    })
  }

  async findReadMark(operatorId: string, sessionId: string): Promise<ReadMark | undefined> {
    const _id = toMarkKey(operatorId, sessionId)
    const found = await this.#mongo.readMarks.findOne({ _id }, BOUNDED)
    return found ? toReadMark(found) : undefined
  }

  async listReadMarks(operatorId: string, limit: number): Promise<ReadMark[]> {
    const found = this.#mongo.readMarks.find({ operatorId: toKey(operatorId) }, BOUNDED)
    return (await found.sort({ movedAt: -1 }).limit(limit).toArray()).map(toReadMark)
  }

  async listMovedReadMarks(since: Date, limit: number): Promise<ReadMark[]> {
    const found = this.#mongo.readMarks.find({ movedAt: { $gte: since } }, BOUNDED)
    return (await found.sort({ movedAt: -1 }).limit(limit).toArray()).map(toReadMark)
  }

  #toEntries(documents: readonly SessionDocument[]): InboxEntry[] {
    return readEach(documents, (document) =>
      toInboxEntry(this.#deps, {
        ...this.#sessions.toFound(document),
        changedAt: document.changedAt?.getTime(),
        desk: document.desk,
      }),
    )
  }

  async #toChecked(document: SessionDocument): Promise<InboxEntry | undefined> {
    try {
      const [found, desk] = await Promise.all([
        this.#sessions.toExact(this.#sessions.toFound(document)),
        this.#desks.readHead(document),
      ])
      return toInboxEntry(this.#deps, { ...found, changedAt: document.changedAt?.getTime(), desk })
    } catch (error) {
      skipRefused(error)
      return undefined
    }
  }
}

const MARK_FIELDS = { changedAt: 1 } as const

function toFilter(list: InboxList): Filter<SessionDocument> {
  const { status, userId, from, to, sort, order } = list
  const place = toListPlace(list)
  const beyond = order === 'asc' ? '$gt' : '$lt'
  const bounds = {
    ...(from === undefined ? {} : { $gte: from }),
    ...(to === undefined ? {} : { $lt: to }),
  }
  return {
    ...(status === undefined ? {} : { status }),
    ...(userId === undefined ? {} : { userId: toKey(userId) }),
    ...(Object.keys(bounds).length === 0 ? {} : { [sort]: bounds }),
    ...(place && {
      $or: [
        { [sort]: { [beyond]: place.time } },
        { [sort]: place.time, _id: { [beyond]: place.id } },
      ],
    }),
  }
}

function toMarkKey(operatorId: string, sessionId: string): string {
  return `${toKey(sessionId)}/${toKey(operatorId)}`
}

function toReadMark({ operatorId, sessionId, seq, userTexts }: ReadMarkDocument): ReadMark {
  return { operatorId, sessionId, seq, userTexts }
}

function ignoreDuplicate(error: unknown): void {
  if (!isDuplicateKey(error)) throw error
}
