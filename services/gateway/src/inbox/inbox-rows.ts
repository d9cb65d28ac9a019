import type { InboxCounts, InboxView } from '@chatbox/contract'
import { toHolders, toOrderKey, toViews, type InboxEntry } from '@chatbox/core'
import sortedBTree from 'sorted-btree'

/** A CommonJS module, whose default export is a field. */
const { default: BTree } = sortedBTree

/** About 2 KB each. Where there are more, those that no person is needed for are left out. */
export const MAX_ROWS = 50_000

export type StandingView = Exclude<InboxView, 'ended'>
type Tree = InstanceType<typeof BTree<string, InboxEntry>>

interface Row {
  entry: InboxEntry
  /** Where the entry stands besides its id. */
  places: { tree: Tree; key: string }[]
}

/**
 * The active sessions that a gateway knows, in each view in its order. A change costs as much as
 * finding its places in sorted trees, whatever the number of sessions.
 */
export class InboxRows {
  readonly #max: number
  readonly #byId = new BTree<string, Row>()
  readonly #shared = {
    help: newTree(),
    unassigned: newTree(),
    assistant: newTree(),
    snoozed: newTree(),
  }
  /** By operator. */
  readonly #mine = new Map<string, Tree>()
  /** The snoozed ones, by the end of that. */
  readonly #waking = newTree()
  #isPartial = false

  constructor(max = MAX_ROWS) {
    this.#max = max
  }

  get size(): number {
    return this.#byId.size
  }

  /** True if a session was left out. */
  get isPartial(): boolean {
    return this.#isPartial
  }

  find(sessionId: string): InboxEntry | undefined {
    return this.#byId.get(sessionId)?.entry
  }

  /** Takes the session in, in place of what was known of it. One that has ended is removed. */
  put(entry: InboxEntry, now: Date): void {
    const { id, status } = entry.session
    const isNew = !this.#byId.has(id)
    this.delete(id)
    if (status === 'ended' || (isNew && !this.#makeRoom(entry))) return
    const row: Row = { entry, places: this.#toPlaces(entry, now) }
    this.#byId.set(id, row)
    for (const { tree, key } of row.places) tree.set(key, entry)
  }

  delete(sessionId: string): void {
    const row = this.#byId.get(sessionId)
    if (!row) return
    this.#byId.delete(sessionId)
    for (const { tree, key } of row.places) tree.delete(key)
    for (const operatorId of [row.entry.session.assistedBy?.id, row.entry.desk.assignee?.id]) {
      if (operatorId !== undefined && this.#mine.get(operatorId)?.size === 0) {
        this.#mine.delete(operatorId)
      }
    }
  }

  /** Moves the sessions whose snooze is over to their other views, and returns them. */
  wake(now: Date): InboxEntry[] {
    const woken: InboxEntry[] = []
    for (let key = this.#waking.minKey(); key !== undefined; key = this.#waking.minKey()) {
      const entry = this.#waking.get(key)
      if (!entry || Date.parse(entry.desk.snoozedUntil ?? '') > now.getTime()) break
      this.put(entry, now)
      woken.push(entry)
    }
    return woken
  }

  /** The ids after one and up to another, or to the end. */
  idsBetween(afterId: string, lastId: string | undefined): string[] {
    const ids: string[] = []
    for (const [id] of this.#byId.entries(afterId)) {
      if (lastId !== undefined && id > lastId) break
      if (id !== afterId) ids.push(id)
    }
    return ids
  }

  /** Without the ended ones, which are not here. */
  counts(operatorId: string): Omit<InboxCounts, 'ended'> {
    const { help, unassigned, assistant, snoozed } = this.#shared
    return {
      help: help.size,
      mine: this.#mine.get(operatorId)?.size ?? 0,
      unassigned: unassigned.size,
      assistant: assistant.size,
      snoozed: snoozed.size,
    }
  }

  /** Walks through a view in its order, after a key. */
  *walk(
    view: StandingView,
    operatorId: string,
    afterKey: string | undefined,
  ): Generator<[key: string, entry: InboxEntry]> {
    const tree = view === 'mine' ? this.#mine.get(operatorId) : this.#shared[view]
    if (!tree) return
    for (const [key, entry] of tree.entries(afterKey)) {
      if (key !== afterKey) yield [key, entry]
    }
  }

  #toPlaces(entry: InboxEntry, now: Date): Row['places'] {
    const key = toOrderKey(entry)
    const places = toViews(entry, now).flatMap((view) =>
      view === 'ended' ? [] : [{ tree: this.#shared[view], key }],
    )
    for (const operatorId of toHolders(entry, now)) places.push({ tree: this.#of(operatorId), key })
    if (places[0]?.tree === this.#shared.snoozed) {
      places.push({ tree: this.#waking, key: `${entry.desk.snoozedUntil ?? ''}.${key}` })
    }
    return places
  }

  #of(operatorId: string): Tree {
    const known = this.#mine.get(operatorId)
    if (known) return known
    const tree = newTree()
    this.#mine.set(operatorId, tree)
    return tree
  }

  /** For whom a person is needed, another one makes room that has been quiet longest. */
  #makeRoom({ session, desk }: InboxEntry): boolean {
    if (this.size < this.#max) return true
    this.#isPartial = true
    if (!session.help && !session.assistedBy && !desk.assignee) return false
    const { assistant } = this.#shared
    const last = assistant.maxKey()
    const quietest = last === undefined ? undefined : assistant.get(last)
    if (!quietest) return false
    this.delete(quietest.session.id)
    return true
  }
}

function newTree(): Tree {
  return new BTree<string, InboxEntry>()
}
