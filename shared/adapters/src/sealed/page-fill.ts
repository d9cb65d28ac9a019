import type { Message } from '@chatbox/contract'
import type { LogPage, LogRange } from '@chatbox/core'

/**
 * Fills a page of a log, entry by entry in the direction of reading. Decrypting is most of what a
 * read costs, so no entry is decrypted once the page is full; the one that shows that the text is
 * too long is the last.
 */
export class PageFill<Stored> {
  readonly #range: LogRange
  readonly #open: (stored: Stored) => Message
  readonly #messages: Message[] = []
  #length = 0
  #isCut = false
  #hasMore = false

  constructor(range: LogRange, open: (stored: Stored) => Message) {
    this.#range = range
    this.#open = open
  }

  /** True once the text is as long as it may be, so that nothing more has to be read. */
  get isCut(): boolean {
    return this.#isCut
  }

  add(stored: Stored): void {
    const { limit, maxLength = Infinity } = this.#range
    const count = this.#messages.length
    this.#hasMore ||= count === limit
    if (this.#hasMore) return
    const message = this.#open(stored)
    this.#length += message.content.length
    this.#isCut = this.#length > maxLength && count > 0
    if (this.#isCut) this.#hasMore = true
    else this.#messages.push(message)
  }

  toPage(): LogPage {
    const isForward = this.#range.afterSeq !== undefined
    const messages = isForward ? this.#messages : this.#messages.toReversed()
    return { messages, hasMore: this.#hasMore }
  }
}
