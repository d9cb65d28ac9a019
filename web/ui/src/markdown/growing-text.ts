import type { Token } from 'marked'
import { isComment } from './grammar.ts'
import { patchAfter } from './patch-nodes.ts'
import { EMPTY_OUTLINE, type Outline, parseBlocks, renderMarkdown } from './render-markdown.ts'

/** Limits the rendering of a reply to a fifth of the time. */
const IDLE_FACTOR = 4
/** Later text can change the last block, or make it a part of the one before, as an item of a list. */
const OPEN_BLOCKS = 2

/** Neighbouring blocks of a text. */
interface Blocks {
  text: string
  blocks: Token[]
}

/**
 * Shows a growing markdown text. Blocks that later text cannot change are rendered once, so the
 * cost of a step depends on the last block and not on the whole reply. All nodes that are still
 * right stay, also when the text ends.
 */
export class GrowingText {
  readonly #container: HTMLElement
  #text = ''
  /** The text of the finished blocks. */
  #settled = ''
  /** The last node of the finished blocks. */
  #lastSettled: ChildNode | null = null
  #outline: Outline = EMPTY_OUTLINE
  #notBefore = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(container: HTMLElement) {
    this.#container = container
  }

  /** Schedules the rendering of a growing text. */
  grow(text: string): void {
    // The parser does the same, and the texts of its blocks have to be parts of this one.
    this.#text = text.replaceAll(/\r\n?/g, '\n')
    const waitMs = this.#notBefore - performance.now()
    if (waitMs <= 0) this.#renderOpen()
    else this.#timer ??= setTimeout(() => this.#renderOpen(), waitMs)
  }

  /** Shows a whole text at once. Only here, a link finds its address in a later block. */
  finish(text: string): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#restart()
    patchAfter(this.#container, null, [...renderMarkdown(text).nodes.childNodes])
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  #renderOpen(): void {
    const startedAt = performance.now()
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (!this.#text.startsWith(this.#settled)) this.#restart()
    const rest = this.#text.slice(this.#settled.length)
    const blocks = parseBlocks(rest)
    const closed = findClosed(rest, blocks)
    const settled = this.#renderClosed(closed)
    const open = this.#renderRest(
      rest.slice(closed.text.length),
      blocks.slice(closed.blocks.length),
    )
    patchAfter(this.#container, this.#lastSettled, [...settled, ...open])
    for (let count = settled.length; count > 0; count -= 1) {
      this.#lastSettled = this.#lastSettled?.nextSibling ?? this.#container.firstChild
    }
    const now = performance.now()
    this.#notBefore = now + (now - startedAt) * IDLE_FACTOR
  }

  #renderClosed({ text, blocks }: Blocks): ChildNode[] {
    if (text === '') return []
    const { nodes, outline } = renderMarkdown(text, this.#outline, blocks)
    this.#settled += text
    this.#outline = outline
    return [...nodes.childNodes]
  }

  /** Leaves comments out, because one that has no end yet would be shown as text. */
  #renderRest(text: string, blocks: Token[]): ChildNode[] {
    const shown = blocks.length > 0 ? blocks.filter((block) => !isComment(block)) : undefined
    return [...renderMarkdown(text, this.#outline, shown).nodes.childNodes]
  }

  #restart(): void {
    this.#settled = ''
    this.#lastSettled = null
    this.#outline = EMPTY_OUTLINE
  }
}

/** Returns the blocks at the start of `rest` that later text cannot change. */
function findClosed(rest: string, all: Token[]): Blocks {
  const contents = all.filter(({ type }) => type !== 'space')
  const firstOpen = contents.at(-OPEN_BLOCKS) ?? contents[0]
  const blocks = firstOpen ? all.slice(0, all.indexOf(firstOpen)) : []
  const text = blocks.map(({ raw }) => raw).join('')
  // The parser normalises some white space, so only a literal prefix can be cut off.
  return rest.startsWith(text) ? { text, blocks } : { text: '', blocks: [] }
}
