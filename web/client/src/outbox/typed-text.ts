import { Observable } from '../observable.ts'
import type { OutboxStorage } from './outbox-storage.ts'

/** What a user has typed in one tab and not sent. */
interface StoredText {
  kind: 'typed'
  /** Null until the user is known. Then it belongs to the next user of its tab. */
  userId: string | null
  tabId: string
  text: string
  typedAt: string
}

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
 * one. Each tab writes an entry of its own, so tabs never overwrite each other's text. The state
 * counts how often the text was changed from here and not by typing.
 */
export class TypedText extends Observable<number> {
  readonly #options: TypedTextOptions
  /** The last value of each entry that waits to be written; undefined removes the entry. */
  readonly #waiting = new Map<string, StoredText | undefined>()
  /** The number of writes under way. */
  #writing = 0
  #userId: string | null = null
  #text = ''
  /** An entry that was not read yet must not be replaced. */
  #isRead = false
  #isUnownedRead = false

  constructor(options: TypedTextOptions) {
    super(0)
    this.#options = options
    void this.#read(null)
  }

  get text(): string {
    return this.#text
  }

  /** Shows the user's text; without a former user, together with what was typed until now. */
  setUser(userId: string): void {
    if (userId === this.#userId) return
    if (this.#userId !== null) this.#show('')
    this.#userId = userId
    void this.#read(userId)
  }

  /** Call this with the whole text after each change by the user. */
  onInput(text: string): void {
    this.#text = text
    if (this.#isRead) this.#save()
  }

  /** Erases the text, because it is sent. Also erases copies of it in entries of other tabs. */
  onSent(): void {
    const sent = this.#text.trim()
    this.#show('')
    if (sent === '') return
    if (this.#isRead) this.#save()
    void this.#eraseCopies(sent)
  }

  async #read(userId: string | null): Promise<void> {
    this.#isRead = false
    const texts = this.#dropOld(await this.#readAll())
    if (userId !== this.#userId) return
    this.#isRead = true
    const { tabId } = this.#options
    const unowned = { userId: null, tabId }
    const kept = this.#choose(texts).concat(this.#isUnownedRead ? [] : findText(texts, unowned))
    this.#isUnownedRead = true
    if (kept.length > 0) this.#show([...kept, this.#text].filter((text) => text !== '').join('\n'))
    // A text that is only read keeps its age.
    const [known = ''] = findText(texts, { userId, tabId })
    if (this.#text !== known) this.#save()
    if (userId !== null) this.#store(toKey(unowned))
  }

  /** Returns the user's text of this tab; for a new tab the user's latest one, if there is any. */
  #choose(texts: readonly StoredText[]): string[] {
    const userId = this.#userId
    if (userId === null) return []
    const { tabId, isNewTab } = this.#options
    const own = findText(texts, { userId, tabId })
    const latest = texts.find((text) => text.userId === userId)
    return own.length === 0 && isNewTab && latest ? [latest.text] : own
  }

  async #eraseCopies(sent: string): Promise<void> {
    const userId = this.#userId
    for (const entry of await this.#readAll()) {
      const isOther = entry.userId === userId && entry.tabId !== this.#options.tabId
      // This tab or the other one began with a copy, which was continued here.
      if (isOther && sent.startsWith(entry.text.trim())) this.#store(toKey(entry))
    }
  }

  /** Returns the stored texts, the latest first. A storage that fails holds none. */
  async #readAll(): Promise<StoredText[]> {
    const stored = await this.#options.storage.readAll().catch(() => [])
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

  #show(text: string): void {
    this.#text = text
    this.setState(this.state + 1)
  }

  #save(): void {
    const { tabId } = this.#options
    const owner = { userId: this.#userId, tabId }
    const text = this.#text.slice(0, MAX_CHARACTERS)
    const typedAt = new Date().toISOString()
    const entry: StoredText = { kind: 'typed', ...owner, text, typedAt }
    this.#store(toKey(owner), text === '' ? undefined : entry)
  }

  #store(key: string, entry?: StoredText): void {
    if (this.#writing < MAX_WRITES) void this.#write(key, entry)
    else this.#waiting.set(key, entry)
  }

  async #write(key: string, entry: StoredText | undefined): Promise<void> {
    const { storage } = this.#options
    this.#writing += 1
    await (entry ? storage.put(key, entry) : storage.remove(key)).catch(() => undefined)
    this.#writing -= 1
    const [next] = this.#waiting
    if (!next) return
    this.#waiting.delete(next[0])
    void this.#write(...next)
  }
}

type Owner = Pick<StoredText, 'userId' | 'tabId'>

export function toKey({ userId, tabId }: Owner): string {
  return `typed:${tabId}:${userId ?? ''}`
}

/** Returns the text of an owner, or nothing. */
function findText(texts: readonly StoredText[], { userId, tabId }: Owner): string[] {
  return texts
    .filter((entry) => entry.userId === userId && entry.tabId === tabId)
    .map(({ text }) => text)
}

/** Returns undefined for anything else, for example an unsent message. */
export function parseStoredText(value: unknown): StoredText | undefined {
  const { kind, userId, tabId, text, typedAt } = (value ?? {}) as Partial<StoredText>
  const isOwned = userId === null || typeof userId === 'string'
  if (kind !== 'typed' || !isOwned || typeof tabId !== 'string') return undefined
  if (typeof text !== 'string' || typeof typedAt !== 'string') return undefined
  return { kind, userId, tabId, text, typedAt }
}
