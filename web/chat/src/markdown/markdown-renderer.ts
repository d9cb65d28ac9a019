import type { Token } from 'marked'
import { decorateBlocks } from './decorate-blocks.ts'
import { parseBlocks, toHtml } from './markdown-parser.ts'
import { sanitizeHtml } from './sanitize-html.ts'

/** Of the time that passes, at most a fifth goes into rendering one reply. */
const IDLE_FACTOR = 4
/** A later line can still change the last block, and a blank line may be a block of its own. */
const OPEN_BLOCKS = 2

/**
 * Shows a markdown text that grows. Blocks that no later text can change are rendered once and left
 * alone, so the cost of a step follows the last block and not the whole reply.
 */
export class MarkdownRenderer {
  readonly #container: HTMLElement
  #text = ''
  /** The text whose blocks are on the page for good. */
  #settled = ''
  /** Nodes of the blocks that are still open. */
  #open: ChildNode[] = []
  #notBefore = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(container: HTMLElement) {
    this.#container = container
  }

  /** Shows a text that goes on, soon. */
  grow(text: string): void {
    this.#text = text
    const waitMs = this.#notBefore - performance.now()
    if (waitMs <= 0) this.#renderOpen()
    else this.#timer ??= setTimeout(() => this.#renderOpen(), waitMs)
  }

  /** Shows a whole text at once. */
  finish(text: string): void {
    clearTimeout(this.#timer)
    this.#text = text
    this.#settled = ''
    this.#open = []
    this.#container.replaceChildren(render(text, () => parseBlocks(text)))
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #renderOpen(): void {
    const startedAt = performance.now()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#text.startsWith(this.#settled)) this.#reset()
    for (const node of this.#open) node.remove()
    const rest = this.#text.slice(this.#settled.length)
    const { done, doneText } = this.#settle(rest)
    this.#container.append(done)
    this.#settled += doneText
    const openText = rest.slice(doneText.length)
    const fragment = render(openText, () => parseBlocks(openText))
    this.#open = [...fragment.childNodes]
    this.#container.append(fragment)
    const now = performance.now()
    this.#notBefore = now + (now - startedAt) * IDLE_FACTOR
  }

  #settle(rest: string): { done: DocumentFragment; doneText: string } {
    const blocks = tryParse(rest)
    const closed = blocks.slice(0, -OPEN_BLOCKS)
    const doneText = closed.map(({ raw }) => raw).join('')
    // The parser normalises some white space: only what is a literal part of the text can be cut off.
    if (doneText === '' || !rest.startsWith(doneText)) {
      return { done: document.createDocumentFragment(), doneText: '' }
    }
    return { done: render(doneText, () => closed), doneText }
  }

  #reset(): void {
    this.#settled = ''
    this.#open = []
    this.#container.replaceChildren()
  }
}

/** The words of a markdown text without its marks. */
export function toPlainText(text: string): string {
  const words = toNodes(text, () => parseBlocks(text)).textContent
  return words.replaceAll(/\s+/g, ' ').trim()
}

function render(text: string, parse: () => Token[]): DocumentFragment {
  const fragment = toNodes(text, parse)
  decorateBlocks(fragment)
  return fragment
}

/** Nodes of a text; a text that the parser cannot take, such as one nested thousands deep, as it is. */
function toNodes(text: string, parse: () => Token[]): DocumentFragment {
  try {
    return sanitizeHtml(toHtml(parse()))
  } catch {
    const fragment = document.createDocumentFragment()
    fragment.append(text)
    return fragment
  }
}

function tryParse(text: string): Token[] {
  try {
    return parseBlocks(text)
  } catch {
    return []
  }
}
