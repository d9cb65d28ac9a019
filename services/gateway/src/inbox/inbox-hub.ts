import type { InboxCounts, InboxRow, InboxView, ServerPayload, User } from '@chatbox/contract'
import {
  isOperator,
  toHolders,
  toOrderKey,
  toViews,
  type Inbox,
  type InboxEntry,
  type ReadMark,
} from '@chatbox/core'
import type { Logger } from '@chatbox/kit'
import { InboxFeed } from './inbox-feed.ts'
import { PendingRows } from './pending-rows.ts'
import { UnreadCounts } from './unread-counts.ts'

/** A connection of an operator that is told of changes. */
export interface InboxFollower {
  readonly user: User
  sendInbox(change: ServerPayload<'inbox:changed'>): void
}

/** How long the sessions are kept after the last operator has left, for one who comes back. */
const LINGER_MS = 60_000

/** The inbox of a gateway: its copy of the active sessions, and whom it tells of changes. */
export class InboxHub {
  readonly unread: UnreadCounts
  readonly #parts: { inbox: Inbox; logger: Logger }
  readonly #followers = new Map<string, Set<InboxFollower>>()
  #pending: PendingRows
  #feed: InboxFeed | undefined
  #loading: Promise<void> | undefined
  #lingering: NodeJS.Timeout | undefined

  constructor(parts: { inbox: Inbox; logger: Logger }) {
    this.#parts = parts
    this.unread = new UnreadCounts(parts.inbox)
    this.#pending = new PendingRows((due) => this.#tell(due))
  }

  /**
   * Returns the copy, once it is there. It is kept up to date while an operator follows, and a while
   * longer. Rejects with `UNAVAILABLE` if the store does not answer.
   */
  async open(): Promise<InboxFeed> {
    const feed = (this.#feed ??= this.#createFeed())
    this.#loading ??= feed.start()
    if (this.#followers.size === 0) this.#linger()
    try {
      await this.#loading
    } catch (error) {
      if (this.#feed === feed) this.#close()
      throw error
    }
    return feed
  }

  /** Tells the follower of all changes after this. */
  async follow(follower: InboxFollower): Promise<void> {
    const { id } = follower.user
    const own = this.#followers.get(id) ?? new Set()
    this.#followers.set(id, own.add(follower))
    clearTimeout(this.#lingering)
    await this.unread.load(id)
    if (!this.#followers.has(id)) this.unread.forget(id)
    await this.open()
  }

  leave(follower: InboxFollower): void {
    const { id } = follower.user
    const own = this.#followers.get(id)
    if (!own?.delete(follower) || own.size > 0) return
    this.#followers.delete(id)
    this.unread.forget(id)
    if (this.#followers.size === 0) this.#linger()
  }

  stop(): void {
    clearTimeout(this.#lingering)
    this.#close()
  }

  /** Takes a mark that was moved here, before the next poll. */
  noteMoved(marks: readonly ReadMark[]): void {
    for (const sessionId of this.unread.take(marks)) {
      const entry = this.#feed?.rows.find(sessionId)
      if (entry) this.#pending.add([entry], this.#readUntil)
    }
  }

  toRow(operatorId: string, entry: InboxEntry): InboxRow {
    const { session, waitingSince, desk, changedAt } = entry
    const now = new Date(Math.max(this.#readUntil.getTime(), Date.parse(changedAt)))
    const views: InboxView[] = toViews(entry, now)
    if (toHolders(entry, now).includes(operatorId)) views.push('mine')
    const unread = this.unread.of(operatorId, entry)
    return { session, views, key: toOrderKey(entry), waitingSince, desk, unread, changedAt }
  }

  counts(operatorId: string, { rows, ended }: InboxFeed): InboxCounts {
    return { ...rows.counts(operatorId), ended }
  }

  /** All changes up to here have been told. */
  cursor(): string {
    return (this.#pending.oldest ?? this.#readUntil).toISOString()
  }

  get #readUntil(): Date {
    return this.#feed?.readUntil ?? new Date(0)
  }

  #createFeed(): InboxFeed {
    return new InboxFeed({
      ...this.#parts,
      onChanged: (entries) => this.#pending.add(entries, this.#readUntil),
      onMoved: (marks) => this.noteMoved(marks),
      onPolled: () => this.#pending.flush(),
    })
  }

  #tell(due: readonly InboxEntry[]): void {
    const feed = this.#feed
    if (!feed) return
    const cursor = this.cursor()
    for (const [operatorId, followers] of this.#followers) {
      const rows = due.map((entry) => this.toRow(operatorId, entry))
      const change = { rows, counts: this.counts(operatorId, feed), cursor }
      for (const follower of [...followers]) {
        if (isOperator(follower.user)) follower.sendInbox(change)
        else this.leave(follower)
      }
    }
  }

  #linger(): void {
    clearTimeout(this.#lingering)
    this.#lingering = setTimeout(() => this.#close(), LINGER_MS)
    this.#lingering.unref()
  }

  #close(): void {
    this.#feed?.stop()
    this.#pending.clear()
    this.#feed = undefined
    this.#loading = undefined
  }
}
