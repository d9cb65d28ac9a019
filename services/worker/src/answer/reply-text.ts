/**
 * The text of one attempt. Its output is well-formed and has at most `limit` code points. A
 * provider may split an emoji between two events, and half of one has no UTF-8 form.
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

  /** Returns true if more text was added than fits. */
  get full(): boolean {
    return this.#full
  }

  /** Adds a piece and returns the part that can be shown now. */
  add(piece: string): string {
    const whole = this.#half + piece
    this.#half = /[\uD800-\uDBFF]$/u.test(whole) ? whole.slice(-1) : ''
    const shown = this.#cut(whole.slice(0, whole.length - this.#half.length).toWellFormed())
    this.#text += shown
    return shown
  }

  #cut(piece: string): string {
    // A code point has one or two units, so counting is needed only near the limit.
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
