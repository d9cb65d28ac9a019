import {
  INBOX_SLACK_MS,
  type Inbox,
  type InboxEntry,
  type InboxMark,
  type ReadMark,
} from '@chatbox/core'
import type { Logger } from '@chatbox/kit'
import { InboxRows } from './inbox-rows.ts'

/** How often a gateway reads what has changed, while an operator looks. */
export const POLL_MS = 300
/** The sessions that are compared with their logs in each poll. */
export const CHECKED_PER_POLL = 6
/** From here on the number of ended sessions is not counted. */
export const MAX_ENDED = 10_000
/** Between two polls that take longer than that. */
const MIN_PAUSE_MS = 100
const LOAD_PAGE = 500
const MARK_PAGE = 2000
const READ_PAGE = 200
/**
 * A change that is younger when it is read may be followed by one with the same time, so it is read
 * again. Longer than clocks are apart.
 */
const SETTLED_MS = 100

interface Parts {
  inbox: Inbox
  logger: Pick<Logger, 'warn' | 'info'>
  /** Called with the sessions that have changed, as they are now. */
  onChanged(entries: InboxEntry[]): void
  onMoved(marks: ReadMark[]): void
  /** Called when the changes of a poll are known. */
  onPolled(): void
}

/**
 * Keeps a gateway's copy of the active sessions: reads them once, then what has changed. The cost of
 * a poll grows with the changes and not with the sessions. Follows the store and not Redis, because
 * then nothing is lost on the way. What the store itself misses, because a process died between an
 * entry and its projection, or its clock was set, is found by a slow round over all sessions.
 */
export class InboxFeed {
  readonly rows = new InboxRows()
  /** The number of ended sessions, at most `MAX_ENDED`. */
  ended = 0
  readonly #parts: Parts
  /** The changes up to this time of the store have been read. */
  #readUntil = new Date(0)
  /** The times of the changes within the slack that were read already. */
  #known = new Map<string, number>()
  #checkedId = ''
  #timer: NodeJS.Timeout | undefined
  #isStopped = false
  #isFailing = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  get readUntil(): Date {
    return this.#readUntil
  }

  /** Resolves when all active sessions are known, and goes on reading until `stop`. */
  async start(): Promise<void> {
    const { inbox } = this.#parts
    this.#readUntil = await inbox.now()
    this.ended = await inbox.countEnded(MAX_ENDED)
    for (let afterId: string | undefined = ''; afterId !== undefined && !this.#isStopped;) {
      const page = await inbox.listActive({ afterId, limit: LOAD_PAGE, isChecked: false })
      for (const entry of page.entries) this.rows.put(entry, this.#readUntil)
      afterId = page.lastId
    }
    this.#wait()
  }

  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  /** A slow store makes polls longer, and not rarer as well. */
  #wait(spentMs = 0): void {
    if (this.#isStopped) return
    this.#timer = setTimeout(
      () => {
        const startedAt = performance.now()
        void this.#pollOrReport().then(() => this.#wait(performance.now() - startedAt))
      },
      Math.max(POLL_MS - spentMs, MIN_PAUSE_MS),
    )
    this.#timer.unref()
  }

  async #pollOrReport(): Promise<void> {
    const { logger } = this.#parts
    try {
      await this.#poll()
      if (this.#isFailing) logger.info('the inbox is read again')
      this.#isFailing = false
    } catch (error) {
      if (!this.#isFailing) logger.warn({ err: error }, 'the inbox cannot be read')
      this.#isFailing = true
    }
  }

  async #poll(): Promise<void> {
    const { inbox } = this.#parts
    const now = await inbox.now()
    // A clock that was set back does not hide what comes after.
    const since = new Date(Math.min(now.getTime(), this.#readUntil.getTime()) - INBOX_SLACK_MS)
    const [changed, moved] = await Promise.all([
      this.#readChanges(since, now),
      inbox.listMovedReadMarks(since, MARK_PAGE),
    ])
    await this.#take(changed, now)
    this.#parts.onMoved(moved)
    this.#readUntil = now
    this.#parts.onChanged(this.rows.wake(now))
    if (!this.#isStopped) this.#parts.onPolled()
    // What the round finds is told of after the next poll.
    await this.#take(await this.#check(), now)
  }

  async #readChanges(since: Date, now: Date): Promise<InboxEntry[]> {
    const known = new Map<string, number>()
    const fresh = new Set<string>()
    let from: InboxMark | undefined = { changedAt: since, sessionId: '' }
    while (from) {
      const marks: InboxMark[] = await this.#parts.inbox.listChanges(from, MARK_PAGE)
      for (const { sessionId, changedAt } of marks) {
        const at = changedAt.getTime()
        if (this.#known.get(sessionId) !== at) fresh.add(sessionId)
        if (at < now.getTime() - SETTLED_MS) known.set(sessionId, at)
      }
      from = marks.length < MARK_PAGE ? undefined : marks.at(-1)
    }
    const entries = await this.#read([...fresh])
    this.#known = known
    return entries
  }

  async #read(sessionIds: readonly string[]): Promise<InboxEntry[]> {
    const entries: InboxEntry[] = []
    for (let index = 0; index < sessionIds.length; index += READ_PAGE) {
      entries.push(...(await this.#parts.inbox.read(sessionIds.slice(index, index + READ_PAGE))))
    }
    return entries
  }

  async #take(entries: readonly InboxEntry[], now: Date): Promise<void> {
    const changed = entries.filter((entry) => this.#isNews(entry))
    for (const entry of changed) this.rows.put(entry, now)
    if (changed.some(({ session }) => session.status === 'ended') && this.ended < MAX_ENDED) {
      this.ended = await this.#parts.inbox.countEnded(MAX_ENDED)
    }
    if (changed.length > 0 && !this.#isStopped) this.#parts.onChanged(changed)
  }

  /** Changes within the slack are read more than once. */
  #isNews(entry: InboxEntry): boolean {
    const known = this.rows.find(entry.session.id)
    if (!known) return true
    if (entry.session.lastSeq !== known.session.lastSeq) {
      return entry.session.lastSeq > known.session.lastSeq
    }
    return entry.changedAt > known.changedAt || entry.desk.seq > known.desk.seq
  }

  /** Compares the next sessions with their logs. Returns those that differ from what is known. */
  async #check(): Promise<InboxEntry[]> {
    const { inbox } = this.#parts
    const afterId = this.#checkedId
    const page = await inbox.listActive({ afterId, limit: CHECKED_PER_POLL, isChecked: true })
    this.#checkedId = page.lastId ?? ''
    const found = new Set(page.entries.map(({ session }) => session.id))
    const missing = this.rows.idsBetween(afterId, page.lastId).filter((id) => !found.has(id))
    const ended = await this.#read(missing.slice(0, READ_PAGE))
    const there = new Set(ended.map(({ session }) => session.id))
    for (const id of missing.slice(0, READ_PAGE)) if (!there.has(id)) this.rows.delete(id)
    return [...page.entries, ...ended].filter((entry) => this.#differs(entry))
  }

  #differs({ session, desk }: InboxEntry): boolean {
    const known = this.rows.find(session.id)
    if (!known) return !this.rows.isPartial
    return session.lastSeq > known.session.lastSeq || desk.seq > known.desk.seq
  }
}
