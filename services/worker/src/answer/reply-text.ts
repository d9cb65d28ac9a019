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
    this.#length = countPoints(this.#text)
    const end = findEnd(piece, this.#limit - this.#length)
    this.#full = end < piece.length
    const kept = piece.slice(0, end)
    this.#length += countPoints(kept)
    return kept
  }
}

/** Counts without spreading into an array, which takes ten times the text's memory. */
function countPoints(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; count++) at += isPair(text, at) ? 2 : 1
  return count
}

/** Returns where the first `points` code points of a text end. */
function findEnd(text: string, points: number): number {
  let at = 0
  for (let left = points; left > 0 && at < text.length; left--) at += isPair(text, at) ? 2 : 1
  return at
}

/** Returns whether one code point takes two units. The text is well-formed. */
function isPair(text: string, at: number): boolean {
  const unit = text.charCodeAt(at)
  return unit >= 0xd800 && unit <= 0xdbff
}
