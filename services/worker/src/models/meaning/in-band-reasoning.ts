import { StrayEnd } from './stray-end.ts'

/** How servers mark reasoning that they write into the text of a reply. */
interface Form {
  /** Matches the opening mark. */
  opens: RegExp
  /** Matches a text that may become the opening mark. */
  mayOpen: RegExp
  /** Matches the closing mark. If it is empty, the opening mark is all there is. */
  closes: RegExp
  closingLength: number
}

/**
 * Creates a form. `opens` holds the parts of the opening mark, each a regular expression that is
 * matched as a whole. Marks are matched without regard to case.
 */
function toForm(opens: readonly string[], closes: string): Form {
  const mayOpen = opens.reduceRight((rest, part) => `(?:$|${part}${rest})`, '')
  return {
    opens: new RegExp(`^${opens.join('')}`, 'iu'),
    mayOpen: new RegExp(`^${mayOpen}`, 'iu'),
    closes: new RegExp(literal(closes).join(''), 'iu'),
    closingLength: closes.length,
  }
}

/** Returns one part for each character. */
function literal(text: string): string[] {
  return Array.from(text, (character) => character.replace(/[|[\]/]/u, '\\$&'))
}

/** Creates the form of an element, with or without attributes. */
function element(name: string): Form {
  return toForm([...literal(`<${name}`), '(?:\\s[^>]{0,200})?', '>'], `</${name}>`)
}

/** Creates the form of a channel of gpt-oss; only `final` holds what a reader is to see. */
function channel(name: string, closes: string): Form[] {
  const opens = [...literal(`<|channel|>${name}`), '[^<]{0,100}', ...literal('<|message|>')]
  return [toForm(opens, closes), toForm([...literal('<|start|>assistant'), ...opens], closes)]
}

const FINAL = '<|channel|>final<|message|>'

/** Creates the form of a folded block whose summary says just this, and perhaps dots. */
function folded(summary: string): Form {
  return toForm(
    [
      ...[...literal('<details'), '(?:\\s[^>]{0,300})?', '>', '\\s{0,20}'],
      ...[...literal('<summary'), '(?:\\s[^>]{0,100})?', '>', '\\s{0,20}', ...literal(summary)],
      ...['[.…:]{0,5}', '\\s{0,20}', ...literal('</summary>')],
    ],
    '</details>',
  )
}

/**
 * The forms that are known from servers without a parser for reasoning. Qwen, DeepSeek and most
 * others write `<think>`, Gemini's compatible endpoint `<thought>`, Magistral `[THINK]`, Kimi
 * `◁think▷`. Dify shows reasoning as a folded block of HTML. `<reason>` and `<thoughts>` are known
 * from no server, and data that a visitor asks for may begin with them.
 */
const FORMS: readonly Form[] = [
  ...['think', 'thinking', 'thought', 'reasoning', 'seed:think'].map(element),
  toForm(literal('[think]'), '[/think]'),
  toForm(literal('◁think▷'), '◁/think▷'),
  toForm(literal('<|start_thinking|>'), '<|end_thinking|>'),
  toForm(literal('<|start_response|>'), ''),
  toForm([...literal('</think>'), '[ \\t\\r]{0,20}', '\\n'], ''),
  ...channel('analysis', FINAL),
  ...channel('commentary', FINAL),
  ...channel('final', ''),
  ...['thinking', 'thinking process', 'thought process', 'reasoning'].map(folded),
]

/** More than this is never an opening mark. */
const MAX_HELD = 600

export interface Sorted {
  /** What is not reasoning. */
  text: string
  /** Reasoning was among the piece. */
  isThinking: boolean
  /** All text before the piece was reasoning, too. */
  takesBack?: boolean
}

/**
 * Takes leading reasoning out of the text of one reply. The same marks later are text. A text that
 * begins like a mark waits until it cannot become one. The chat templates of DeepSeek and Qwen put
 * `<think>` into the prompt, so that a reply may begin with reasoning and show only its end: then all
 * text so far is taken back.
 */
export class InBandReasoning {
  /** What may become an opening mark, or within reasoning a closing one. */
  #held = ''
  #within: Form | undefined
  #hasThought = false
  #isText = false
  /** Looks for an end of reasoning in the text, of which there is at most one. */
  #strayEnd: StrayEnd | undefined = new StrayEnd()

  /** Adds a piece, however the text is cut. */
  add(piece: string): Sorted {
    if (this.#isText) return this.#show(piece, false)
    this.#held += piece
    let isThinking = false
    for (;;) {
      isThinking ||= this.#within !== undefined
      if (!this.#leave()) return { text: '', isThinking }
      const opening = findOpening(this.#held)
      if (opening === 'perhaps') return { text: '', isThinking }
      if (!opening) return this.#show(this.#take(), isThinking)
      this.#held = this.#held.slice(opening.length)
      this.#within = opening.form
      this.#hasThought = true
    }
  }

  /**
   * Ends the reply, and sorts what was held back. Unfinished reasoning is dropped, and all text is
   * taken back if the last line is an end of reasoning.
   */
  end(): Sorted {
    const text = this.#within ? '' : this.#take()
    const sorted = this.#show(text, false)
    if (!this.#strayEnd?.isAtEnd()) return sorted
    return { text: '', isThinking: true, takesBack: true }
  }

  #show(text: string, isThinking: boolean): Sorted {
    const end = this.#strayEnd?.find(text)
    if (end === undefined) return { text, isThinking }
    this.#strayEnd = undefined
    this.#isText = false
    this.#hasThought = true
    this.#held = text.slice(end)
    return { ...this.add(''), isThinking: true, takesBack: true }
  }

  /** Returns false while the end of the reasoning is missing. */
  #leave(): boolean {
    if (!this.#within) return true
    const { closes, closingLength } = this.#within
    const closing = closes.exec(this.#held)
    if (!closing) {
      this.#held = this.#held.slice(1 - closingLength)
      return false
    }
    this.#held = this.#held.slice(closing.index + closingLength)
    this.#within = undefined
    return true
  }

  #take(): string {
    this.#isText = true
    // The white space around the reasoning belongs to it.
    const text = this.#hasThought ? this.#held.trimStart() : this.#held
    this.#held = ''
    return text
  }
}

function findOpening(held: string): { form: Form; length: number } | 'perhaps' | undefined {
  const text = held.trimStart()
  if (held.length <= MAX_HELD && text === '') return 'perhaps'
  if (!/^[<[◁]/u.test(text)) return undefined
  for (const form of FORMS) {
    const opening = form.opens.exec(text)?.[0]
    if (opening !== undefined) return { form, length: held.length - text.length + opening.length }
  }
  const isOpen = held.length <= MAX_HELD && FORMS.some(({ mayOpen }) => mayOpen.test(text))
  return isOpen ? 'perhaps' : undefined
}
