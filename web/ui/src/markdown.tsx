import type { JSX } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { copyText } from './controls.tsx'
import { EMPTY_OUTLINE, type Outline, parseBlocks, render } from './markdown-nodes.ts'
import { strings } from './strings.ts'

/** Limits the rendering of a reply to a fifth of the time. */
const IDLE_FACTOR = 4
/** A later line can change the last block, and a blank line may be a block of its own. */
const OPEN_BLOCKS = 2

/** A model's text. `live`: more text will follow. */
export function Markdown({ text, live }: { text: string; live: boolean }): JSX.Element {
  const container = useRef<HTMLDivElement>(null)
  const renderer = useRef<MarkdownRenderer | null>(null)
  useLayoutEffect(() => {
    if (!container.current) return
    renderer.current ??= new MarkdownRenderer(container.current)
    if (live) renderer.current.grow(text)
    else renderer.current.finish(text)
  }, [text, live])
  useEffect(() => () => renderer.current?.close(), [])
  return <div ref={container} class="markdown" onClick={onClick} />
}

function onClick({ target }: MouseEvent): void {
  if (!(target instanceof HTMLButtonElement) || !target.classList.contains('code-copy')) return
  const code = target.closest('.code-box')?.querySelector('code')?.textContent ?? ''
  void copyText(code, (isCopied) => {
    target.textContent = isCopied ? strings.copied : strings.copyCode
  })
}

/**
 * Shows a growing markdown text. Blocks that later text cannot change are rendered once, so the
 * cost of a step depends on the last block and not on the whole reply.
 */
class MarkdownRenderer {
  readonly #container: HTMLElement
  #text = ''
  /** The text of the finished blocks. */
  #settled = ''
  #outline: Outline = EMPTY_OUTLINE
  /** Nodes of the unfinished blocks. */
  #open: ChildNode[] = []
  #notBefore = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(container: HTMLElement) {
    this.#container = container
  }

  /** Schedules the rendering of a growing text. */
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
    this.#container.replaceChildren(render(text).nodes)
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
    const { nodes } = render(openText, this.#outline)
    this.#open = [...nodes.childNodes]
    this.#container.append(nodes)
    const now = performance.now()
    this.#notBefore = now + (now - startedAt) * IDLE_FACTOR
  }

  /** Renders the finished blocks at the start of `rest` and returns their text. */
  #settle(rest: string): string {
    const closed = parseBlocks(rest).slice(0, -OPEN_BLOCKS)
    const text = closed.map(({ raw }) => raw).join('')
    // The parser normalises some white space, so only a literal prefix can be cut off.
    if (text === '' || !rest.startsWith(text)) return ''
    const { nodes, outline } = render(text, this.#outline, closed)
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
