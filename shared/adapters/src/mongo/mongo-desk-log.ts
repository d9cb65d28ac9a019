import { setTimeout as sleep } from 'node:timers/promises'
import type { DeskEntry } from '@chatbox/contract'
import {
  AppError,
  notFound,
  placeDeskEntry,
  toDesk,
  type DeskAppended,
  type DeskHead,
  type DeskLog,
  type DeskSession,
  type DeskState,
  type DraftKey,
  type LogHead,
  type LogRange,
  type NewDeskEntry,
  type OpenedDesk,
  type PlacedDeskEntry,
} from '@chatbox/core'
import {
  openDraft,
  sealDraft,
  toDeskEntry,
  toDeskEntryRecord,
  toDeskRecord,
  toDeskState,
  toTextLength,
  type DeskRecord,
} from '../sealed/desk-record.ts'
import type { RecordDeps } from '../sealed/key-ring.ts'
import { idTaken } from '../sealed/message-record.ts'
import { PageFill } from '../sealed/page-fill.ts'
import { BOUNDED } from './client/client.ts'
import type { CheckTime, MongoConnection } from './client/connection.ts'
import { isDuplicateId, isDuplicateKey } from './client/errors.ts'
import type { DeskEntryDocument } from './desk-documents.ts'
import { toEntryFilter, toKey, type SessionDocument } from './documents.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { MongoSessions } from './mongo-sessions.ts'

const MAX_PAUSE_MS = 50

/** The head of a desk, and whether the session's document has it. */
interface FoundDesk {
  state: DeskState
  isProjected: boolean
}

/**
 * The operators' logs. As in the log of messages, each entry has the head after it, the writer that
 * inserts the next seq wins, and the session's document has a projection of the head. Whoever finds
 * that one behind repairs it.
 */
export class MongoDeskLog implements DeskLog {
  readonly #mongo: MongoConnection
  readonly #deps: RecordDeps
  readonly #sessions: MongoSessions
  readonly #queue = new KeyedQueue()

  constructor(mongo: MongoConnection, deps: RecordDeps, sessions: MongoSessions) {
    this.#mongo = mongo
    this.#deps = deps
    this.#sessions = sessions
  }

  async append(entry: NewDeskEntry): Promise<DeskAppended> {
    const checkTime = this.#mongo.startTimer()
    const sessionId = toKey(entry.sessionId)
    return this.#queue.run(sessionId, checkTime, async () => {
      const document = await this.#findSession(sessionId)
      if (!document) throw notFound()
      const session = await this.#toSession(document, entry)
      const state = toDeskState(this.#deps, sessionId, document.desk)
      return this.#appendAfter({ state, session }, entry, checkTime)
    })
  }

  async open(
    sessionId: string,
    range: Omit<LogRange, 'beforeSeq'>,
  ): Promise<OpenedDesk | undefined> {
    const document = await this.#findSession(toKey(sessionId))
    if (!document) return undefined
    const page = new PageFill(range, {
      open: (stored: DeskEntryDocument) => this.#toEntry(stored),
      lengthOf: toTextLength,
    })
    const { afterSeq, limit } = range
    const stored = await this.#mongo.deskEntries
      .find({ sessionId: toKey(sessionId), seq: { $gt: afterSeq ?? 0 } }, BOUNDED)
      .sort({ seq: afterSeq === undefined ? -1 : 1 })
      .limit(limit + 1)
      .toArray()
    for (const one of stored) page.add(one)
    const { state, isProjected } = await this.#toExact(document)
    if (!isProjected) await this.#project(sessionId, toDeskRecord(this.#deps, sessionId, state))
    const { head } = this.#sessions.toFound(document)
    return { desk: toDesk(state, toDeskSession(head)), ...page.toPage() }
  }

  /** Returns the head of a session's desk, and repairs the projection of it. */
  async readHead(document: SessionDocument): Promise<unknown> {
    const { state, isProjected } = await this.#toExact(document)
    if (isProjected) return document.desk
    const record = toDeskRecord(this.#deps, document._id, state)
    await this.#project(document._id, record)
    return record
  }

  /**
   * Whoever ends the session deletes the drafts after the entry that ends it. So a draft that is
   * stored before the log is read and found open is among them.
   */
  async saveDraft(key: DraftKey, text: string): Promise<void> {
    const _id = toDraftKey(key)
    if (text !== '') await this.#storeDraft(_id, key, text)
    const found = await this.#sessions.findExact(toKey(key.sessionId))
    const isActive = found?.head.state.status === 'active'
    if (!isActive || text === '') await this.#mongo.deskDrafts.deleteMany({ _id }, BOUNDED)
    if (!found) throw notFound()
    if (!isActive && text !== '') throw new AppError('SESSION_ENDED', 'This session has ended.')
  }

  async findDraft(key: DraftKey): Promise<string> {
    const found = await this.#mongo.deskDrafts.findOne({ _id: toDraftKey(key) }, BOUNDED)
    return openDraft(this.#deps, key, found?.sealed)
  }

  async #storeDraft(_id: string, key: DraftKey, text: string): Promise<void> {
    const change = { sessionId: toKey(key.sessionId), sealed: sealDraft(this.#deps, key, text) }
    const store = () =>
      this.#mongo.deskDrafts.updateOne({ _id }, { $set: change }, { ...BOUNDED, upsert: true })
    // If two first writes race, one fails to insert and then finds a document to update.
    await store().catch((error: unknown) => {
      if (isDuplicateKey(error)) return store()
      throw error
    })
  }

  async #findSession(sessionId: string): Promise<SessionDocument | null> {
    return this.#mongo.sessions.findOne({ _id: sessionId }, BOUNDED)
  }

  /** A snooze counts the messages up to now, and the document may be behind by some. */
  async #toSession(document: SessionDocument, { action }: NewDeskEntry): Promise<DeskSession> {
    const found = this.#sessions.toFound(document)
    const { head } = action.type === 'snoozed' ? await this.#sessions.toExact(found) : found
    return toDeskSession(head)
  }

  /** A log has no gaps, so the document's head is the last one if the next seq is free. */
  async #toExact(document: SessionDocument): Promise<FoundDesk> {
    const sessionId = document._id
    const state = toDeskState(this.#deps, sessionId, document.desk)
    const next = { sessionId, seq: state.seq + 1 }
    const projection = { _id: 1 } as const
    if (!(await this.#mongo.deskEntries.findOne(next, { ...BOUNDED, projection }))) {
      return { state, isProjected: true }
    }
    return { state: await this.#readNewest(sessionId), isProjected: false }
  }

  async #readNewest(sessionId: string): Promise<DeskState> {
    const [entry] = await this.#mongo.deskEntries
      .find({ sessionId }, BOUNDED)
      .sort({ seq: -1 })
      .limit(1)
      .toArray()
    return toDeskState(this.#deps, sessionId, entry?.desk)
  }

  async #appendAfter(
    { state, session }: DeskHead,
    entry: NewDeskEntry,
    checkTime: CheckTime,
  ): Promise<DeskAppended> {
    let known = state
    for (let attempt = 0; ; attempt++) {
      const placed = place({ state: known, session }, entry)
      const isRefused = placed instanceof AppError
      if (!isRefused && (await this.#tryInsert(placed))) {
        return { entry: placed.entry, desk: toDesk(placed.state, session), appended: true }
      }
      const first = await this.#findFirst(entry)
      known = await this.#readNewest(entry.sessionId)
      if (first) return { entry: first, desk: toDesk(known, session), appended: false }
      // What refuses it is the session, and not what other operators have appended.
      if (isRefused) throw placed
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempt))
      checkTime()
    }
  }

  /** Returns false if this seq or this id is taken. */
  async #tryInsert({ entry, state }: PlacedDeskEntry): Promise<boolean> {
    const { id, ...record } = toDeskEntryRecord(this.#deps, entry)
    const desk = toDeskRecord(this.#deps, entry.sessionId, state)
    try {
      await this.#mongo.deskEntries.insertOne({ _id: id, ...record, desk }, BOUNDED)
    } catch (error) {
      if (!isDuplicateKey(error)) throw error
      if (isDuplicateId(error) && !(await this.#findFirst(entry))) throw idTaken()
      return false
    }
    await this.#project(entry.sessionId, desk)
    return true
  }

  async #findFirst({ id, sessionId }: NewDeskEntry): Promise<DeskEntry | undefined> {
    const filter = toEntryFilter({ sessionId, messageId: id })
    const found = await this.#mongo.deskEntries.findOne(filter, BOUNDED)
    return found ? this.#toEntry(found) : undefined
  }

  /** Never rejects: the entry is stored even if the projection of its head fails. */
  async #project(sessionId: string, desk: DeskRecord): Promise<void> {
    const isOlder = [{ desk: { $exists: false } }, { 'desk.seq': { $lt: desk.seq } }]
    try {
      await this.#mongo.sessions.updateOne(
        { _id: toKey(sessionId), $or: isOlder },
        { $set: { desk }, $currentDate: { changedAt: true } },
        BOUNDED,
      )
    } catch (error) {
      this.#deps.hooks.onError('mongo', error)
    }
  }

  #toEntry({ _id: id, sessionId, seq, sealed }: DeskEntryDocument): DeskEntry {
    return toDeskEntry(this.#deps, { id, sessionId, seq, sealed })
  }
}

function place(head: DeskHead, entry: NewDeskEntry): PlacedDeskEntry | AppError {
  try {
    return placeDeskEntry(head, entry)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

function toDeskSession({ state: { status, userTexts = 0 } }: LogHead): DeskSession {
  return { status, userTexts }
}

function toDraftKey({ sessionId, operatorId }: DraftKey): string {
  return `${toKey(sessionId)}/${toKey(operatorId)}`
}
