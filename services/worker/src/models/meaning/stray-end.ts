const END = '</think>'
const BEGINNING = '<think'
/** A fence of code, which may hold the marks of reasoning as an example. In a list it is indented. */
const FENCE = /^\s*(`{3,}(?=[^`]*$)|~{3,})(.*)$/u
/** Neither a fence nor the end of reasoning needs more of a line. */
const LINE_LENGTH = 300

/**
 * Finds the end of reasoning whose beginning the server has swallowed: `</think>` alone on its line,
 * outside of a fence, with no `<think` before it. Everywhere else it is a part of the answer.
 */
export class StrayEnd {
  /** The beginning of the line that is written. */
  #line = ''
  /** The last characters of that line. */
  #tail = ''
  /** The fence that is open. */
  #fence = ''
  #isImpossible = false

  /** Reads a piece. Returns where the line of a stray end is over, in the piece. */
  find(piece: string): number | undefined {
    let start = 0
    while (!this.#isImpossible) {
      const lineFeed = piece.indexOf('\n', start)
      this.#read(piece.slice(start, lineFeed === -1 ? undefined : lineFeed))
      if (lineFeed === -1) return undefined
      if (this.isAtEnd()) return lineFeed + 1
      this.#endLine()
      start = lineFeed + 1
    }
    return undefined
  }

  /** The last line is a stray end, if nothing more follows on it. */
  isAtEnd(): boolean {
    return !this.#isImpossible && this.#fence === '' && this.#line.trimEnd() === END
  }

  #read(text: string): void {
    if (this.#line.length < LINE_LENGTH) this.#line = (this.#line + text).slice(0, LINE_LENGTH)
    const both = this.#tail + text
    this.#isImpossible = both.includes(BEGINNING)
    this.#tail = both.slice(1 - BEGINNING.length)
  }

  #endLine(): void {
    const [, mark = '', rest = ''] = FENCE.exec(this.#line.trimEnd()) ?? []
    if (this.#fence === '') this.#fence = mark
    else if (mark.startsWith(this.#fence) && rest === '') this.#fence = ''
    this.#line = ''
    this.#tail = ''
  }
}
