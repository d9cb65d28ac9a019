import type { LogRange } from '@chatbox/core'

/** How an entry is decrypted, and the length of the text in it, in UTF-16 units. */
export interface PageEntries<Stored, Entry> {
  open(stored: Stored): Entry
  lengthOf(entry: Entry): number
}

export interface FilledPage<Entry> {
  /** In log order, for either bound. */
  entries: Entry[]
  hasMore: boolean
}

/**
 * Fills a page of a log, entry by entry in the direction of reading. Decrypting is most of what a
 * read costs, so no entry is decrypted once the page is full; the one that shows that the text is
 * too long is the last.
 */
export class PageFill<Stored, Entry> {
  readonly #range: LogRange
  readonly #how: PageEntries<Stored, Entry>
  readonly #entries: Entry[] = []
  #length = 0
  #isCut = false
  #hasMore = false

  constructor(range: LogRange, how: PageEntries<Stored, Entry>) {
    this.#range = range
    this.#how = how
  }

  /** True once the text is as long as it may be, so that nothing more has to be read. */
  get isCut(): boolean {
    return this.#isCut
  }

  add(stored: Stored): void {
    const { limit, maxLength = Infinity } = this.#range
    const count = this.#entries.length
    this.#hasMore ||= count === limit
    if (this.#hasMore) return
    const entry = this.#how.open(stored)
    this.#length += this.#how.lengthOf(entry)
    this.#isCut = this.#length > maxLength && count > 0
    if (this.#isCut) this.#hasMore = true
    else this.#entries.push(entry)
  }

  toPage(): FilledPage<Entry> {
    const isForward = this.#range.afterSeq !== undefined
    const entries = isForward ? this.#entries : this.#entries.toReversed()
    return { entries, hasMore: this.#hasMore }
  }
}
