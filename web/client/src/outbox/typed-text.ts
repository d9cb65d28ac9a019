import { isVisitor } from '../connection/token.ts'
import { Observable } from '../observable.ts'
import type { OutboxStorage } from './outbox-storage.ts'
import {
  isWithin,
  joinSources,
  parseStoredText,
  type StoredText,
  type TextOwner,
  toKey,
  toSources,
} from './stored-text.ts'

interface TypedTextOptions {
  /** If the storage fails, the text is kept until the page is closed. */
  storage: OutboxStorage
  tabId: string
  /** The tab was opened without a past, so it shows what the user typed last in another tab. */
  isNewTab: boolean
}

/** The number of texts that a browser keeps, of all its users and tabs. */
const MAX_TEXTS = 20
/** A longer text is kept up to here. No message may be that long. */
const MAX_CHARACTERS = 100_000
/** A page may end after any key, so each is written at once. Of a slow storage only so many wait. */
const MAX_WRITES = 32
/** As old as a message may become that waits to be sent. */
const MAX_AGE_MS = 7 * 24 * 3600 * 1000

/**
 * The text in the message box, kept over a reload. It belongs to the user and not to a session,
 * because a user writes in one session at a time: when that has ended, the text waits for the next
 * one. Each tab writes an entry of its own, so tabs never overwrite each other's text. A text that
 * is sent or deleted is erased with its copies and sources in other tabs, except where they were
 * changed since, so that it does not come back. The state counts how often the text was changed
 * from here and not by typing.
 */
export class TypedText extends Observable<number> {
  readonly #storage: OutboxStorage
  readonly #isNewTab: boolean
  /** The last value of each entry that waits to be written; undefined removes the entry. */
  readonly #waiting = new Map<string, StoredText | undefined>()
  /** The number of writes under way. */
  #writing = 0
  /** Keys of entries of this tab that its user has taken over. */
  readonly #taken = new Set<string>()
  /** The text as it is stored, if it is not empty. */
  #entry: StoredText
  /** An entry that was not read yet must not be replaced. */
  #isRead = false
  /** Counts readings, so that the result of an earlier one can be dropped. */
  #reading = 0

  constructor({ storage, tabId, isNewTab }: TypedTextOptions) {
    super(0)
    this.#storage = storage
    this.#isNewTab = isNewTab
    this.#entry = createEntry({ userId: null, tabId })
    void this.#read()
  }

  get text(): string {
    return this.#entry.text
  }

  /**
   * Shows the user's text, together with what was typed here before the user was known. A visitor
   * who signs in is the same person and keeps the text. Any other change of the user begins anew.
   */
  setUser(userId: string): void {
    const former = this.#entry.userId
    if (userId === former) return
    const isSame = former === null || (isVisitor(former) && !isVisitor(userId))
    if (isSame && this.#isRead) this.#taken.add(toKey(this.#entry))
    if (!isSame) this.#show(createEntry(this.#entry))
    this.#entry = { ...this.#entry, userId }
    void this.#read()
  }

  /** Call this if another page has got this tab's id. The text is kept under a new id from then on. */
  moveTo(tabId: string): void {
    this.#taken.clear()
    this.#entry = { ...this.#entry, tabId, sources: toSources(this.#entry) }
    if (this.#isRead) this.#save()
  }

  /** Call this with the whole text after each change by the user. */
  onInput(text: string): void {
    if (text === '') this.#eraseCopies()
    this.#entry = { ...this.#entry, text, typedAt: toNow() }
    if (this.#isRead) this.#save()
  }

  /** Erases the text, because it is sent. */
  onSent(): void {
    this.#eraseCopies()
    this.#show(createEntry(this.#entry))
    if (this.#isRead) this.#save()
  }

  async #read(): Promise<void> {
    this.#reading += 1
    const reading = this.#reading
    this.#isRead = false
    const texts = this.#dropOld(await this.#readAll())
    if (reading !== this.#reading) return
    this.#isRead = true
    const own = texts.find((text) => toKey(text) === toKey(this.#entry))
    const kept = [...this.#choose(texts, own), ...this.#takeOver(texts)]
    if (kept.length > 0) this.#show(this.#join(kept))
    // A text that is only read keeps its age.
    if (this.text !== (own?.text ?? '')) this.#save()
    for (const key of this.#taken) this.#store(key)
  }

  /** Returns the user's text of this tab; for a new tab the user's latest one, if there is any. */
  #choose(texts: readonly StoredText[], own: StoredText | undefined): StoredText[] {
    const { userId } = this.#entry
    if (own || !this.#isNewTab || userId === null) return own ? [own] : []
    return texts.filter((text) => text.userId === userId).slice(0, 1)
  }

  /**
   * Takes over what was typed in this tab before the user was known or had signed in. To another
   * visitor, who may be another person, nothing is shown of a former one, who never comes back.
   */
  #takeOver(texts: readonly StoredText[]): StoredText[] {
    const { userId, tabId } = this.#entry
    if (userId === null) return []
    this.#taken.delete(toKey(this.#entry))
    const left = texts.filter(
      (text) =>
        text.tabId === tabId &&
        text.userId !== userId &&
        (text.userId === null || isVisitor(text.userId)) &&
        !this.#taken.has(toKey(text)),
    )
    for (const text of left) this.#taken.add(toKey(text))
    return left.filter((text) => text.userId === null || !isVisitor(userId))
  }

  /** Returns the texts and what was typed until now as one. */
  #join(kept: readonly StoredText[]): StoredText {
    const parts = [...kept, this.#entry].filter(({ text }) => text !== '')
    const [first] = parts
    return {
      ...this.#entry,
      text: parts.map(({ text }) => text).join('\n'),
      typedAt: first && parts.length === 1 ? first.typedAt : toNow(),
      sources: joinSources(parts, this.#entry),
    }
  }

  /** Begins with an empty text after this. */
  #eraseCopies(): void {
    const entry = this.#entry
    if (entry.text === '') return
    this.#entry = createEntry(entry)
    void this.#readAll().then((texts) => {
      for (const other of texts) {
        if (other.tabId !== entry.tabId && isWithin(other, entry)) this.#store(toKey(other))
      }
    })
  }

  /** Returns the stored texts, the latest first. A storage that fails holds none. */
  async #readAll(): Promise<StoredText[]> {
    const stored = await this.#storage.readAll().catch(() => [])
    return stored
      .map(parseStoredText)
      .filter((text) => text !== undefined)
      .sort((a, b) => (a.typedAt > b.typedAt ? -1 : 1))
  }

  #dropOld(texts: readonly StoredText[]): StoredText[] {
    const oldest = new Date(Date.now() - MAX_AGE_MS).toISOString()
    return texts.filter((text, index) => {
      if (index < MAX_TEXTS && text.typedAt > oldest) return true
      this.#store(toKey(text))
      return false
    })
  }

  #show(entry: StoredText): void {
    this.#entry = entry
    this.setState(this.state + 1)
  }

  #save(): void {
    const text = this.text.slice(0, MAX_CHARACTERS)
    this.#store(toKey(this.#entry), text === '' ? undefined : { ...this.#entry, text })
  }

  #store(key: string, entry?: StoredText): void {
    if (this.#writing < MAX_WRITES) void this.#write(key, entry)
    else this.#waiting.set(key, entry)
  }

  async #write(key: string, entry: StoredText | undefined): Promise<void> {
    const storage = this.#storage
    this.#writing += 1
    await (entry ? storage.put(key, entry) : storage.remove(key)).catch(() => undefined)
    this.#writing -= 1
    const [next] = this.#waiting
    if (!next) return
    this.#waiting.delete(next[0])
    void this.#write(...next)
  }
}

/** Begins an empty text of the same owner. */
function createEntry({ userId, tabId }: TextOwner): StoredText {
  return { kind: 'typed', userId, tabId, text: '', typedAt: toNow() }
}

function toNow(): string {
  return new Date().toISOString()
}
