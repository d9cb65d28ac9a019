/**
 * The text of one attempt. What leaves it is well-formed and at most `limit` code points: a provider
 * may cut an emoji in two (one JSON escape in each of two events), and half of one has no UTF-8 form.
 */
export class ReplyText {
  readonly #limit: number
  #text = ''
  #length = 0
  #half = ''
  #full = false

  constructor(limit: number) {
    this.#limit = limit
  }

  get text(): string {
    return this.#text
  }

  /** More was offered than fits. */
  get full(): boolean {
    return this.#full
  }

  /** Adds a piece; answers what of it can be shown now. */
  add(piece: string): string {
    const whole = this.#half + piece
    this.#half = /[\uD800-\uDBFF]$/u.test(whole) ? whole.slice(-1) : ''
    const shown = this.#cut(whole.slice(0, whole.length - this.#half.length).toWellFormed())
    this.#text += shown
    return shown
  }

  #cut(piece: string): string {
    // Every code point has one or two units: counting them is needed only near the limit.
    if (this.#length + piece.length <= this.#limit) {
      this.#length += piece.length
      return piece
    }
    return this.#cutExactly(piece)
  }

  #cutExactly(piece: string): string {
    this.#length = Array.from(this.#text).length
    const points = Array.from(piece)
    const kept = points.slice(0, this.#limit - this.#length)
    this.#full = kept.length < points.length
    this.#length += kept.length
    return kept.join('')
  }
}
