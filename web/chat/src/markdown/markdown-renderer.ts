import type { Token } from 'marked'
import { decorateBlocks } from './decorate-blocks.ts'
import { parseBlocks, toHtml } from './markdown-parser.ts'
import { EMPTY_OUTLINE, orderHeadings, type Outline } from './order-headings.ts'
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
  #outline: Outline = EMPTY_OUTLINE
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
    this.#container.replaceChildren(render(text, () => parseBlocks(text)).nodes)
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
    const openText = rest.slice(this.#settle(rest).length)
    const { nodes } = render(openText, () => parseBlocks(openText), this.#outline)
    this.#open = [...nodes.childNodes]
    this.#container.append(nodes)
    const now = performance.now()
    this.#notBefore = now + (now - startedAt) * IDLE_FACTOR
  }

  /** Puts the blocks at the start of `rest` on the page that are closed; answers their text. */
  #settle(rest: string): string {
    const closed = tryParse(rest).slice(0, -OPEN_BLOCKS)
    const text = closed.map(({ raw }) => raw).join('')
    // The parser normalises some white space: only what is a literal part of the text can be cut off.
    if (text === '' || !rest.startsWith(text)) return ''
    const { nodes, outline } = render(text, () => closed, this.#outline)
    this.#container.append(nodes)
    this.#settled += text
    this.#outline = outline
    return text
  }

  #reset(): void {
    this.#settled = ''
    this.#outline = EMPTY_OUTLINE
    this.#open = []
    this.#container.replaceChildren()
  }
}

/** The words of a markdown text without its marks. */
export function toPlainText(text: string): string {
  const words = toNodes(text, () => parseBlocks(text)).textContent
  return words.replaceAll(/\s+/g, ' ').trim()
}

interface Rendered {
  nodes: DocumentFragment
  outline: Outline
}

function render(text: string, parse: () => Token[], before = EMPTY_OUTLINE): Rendered {
  const nodes = toNodes(text, parse)
  const outline = orderHeadings(nodes, before)
  decorateBlocks(nodes)
  return { nodes, outline }
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
