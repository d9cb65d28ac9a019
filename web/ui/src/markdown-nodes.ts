import { Marked, type RendererObject, type Token, type Tokens } from 'marked'
import { sanitizeHtml, toSafeLink } from './sanitize-html.ts'
import { strings } from './strings.ts'

/** How far the headings of a text have come. */
export interface Outline {
  /** Levels that the first heading was above where it belongs. */
  shift: number
  level: number
}

/** Below the page's own heading. */
export const EMPTY_OUTLINE: Outline = { shift: 0, level: 1 }
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const

/** An image in a link is text: a link cannot hold another one. */
let linkDepth = 0

const renderer: RendererObject = {
  html({ text, ...token }) {
    const escaped = escapeHtml(text.trimEnd())
    return 'block' in token && token.block ? `<p>${escaped}</p>\n` : escaped
  },
  code({ text, lang }) {
    const language = /^[\w#+.-]{1,20}/.exec(lang ?? '')?.[0] ?? ''
    return `<pre data-language="${escapeHtml(language)}"><code>${escapeHtml(text)}\n</code></pre>\n`
  },
  checkbox({ checked }) {
    return checked ? '☑ ' : '☐ '
  },
  link({ href, tokens }: Tokens.Link) {
    linkDepth += 1
    const label = this.parser.parseInline(tokens)
    linkDepth -= 1
    return toAnchor(href, label)
  },
  /** Never loaded: the address of an image can carry away what was said. */
  image({ href, text }) {
    const label = escapeHtml(text || strings.image)
    return linkDepth > 0 ? label : toAnchor(href, label)
  },
}

const marked = new Marked({ gfm: true, breaks: true, renderer })

interface Rendered {
  nodes: DocumentFragment
  outline: Outline
}

/** Nodes of a text, of which `blocks` are the top-level blocks where they are known. */
export function render(text: string, before = EMPTY_OUTLINE, blocks?: Token[]): Rendered {
  const nodes = toNodes(text, blocks)
  const outline = orderHeadings(nodes, before)
  for (const pre of nodes.querySelectorAll('pre')) wrapCode(pre)
  for (const table of nodes.querySelectorAll('table')) wrapTable(table)
  return { nodes, outline }
}

/** The top-level blocks of a text; none where the parser cannot take it. */
export function parseBlocks(text: string): Token[] {
  try {
    return marked.lexer(text)
  } catch {
    return []
  }
}

/** The words of a markdown text without its marks. */
export function toPlainText(text: string): string {
  return toNodes(text).textContent.replaceAll(/\s+/g, ' ').trim()
}

/** A text that the parser cannot take, such as one nested thousands deep, is shown as it is. */
function toNodes(text: string, blocks?: Token[]): DocumentFragment {
  linkDepth = 0
  try {
    return sanitizeHtml(marked.parser(blocks ?? marked.lexer(text)))
  } catch {
    const fragment = document.createDocumentFragment()
    fragment.append(text)
    return fragment
  }
}

function toAnchor(address: string, label: string): string {
  const href = toSafeLink(address)
  return href === undefined ? label : `<a href="${escapeHtml(href)}">${label}</a>`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/**
 * Gives a text's headings levels without gaps, the first one the level below the page's, so
 * that nobody who goes from heading to heading misses one. Answers the outline for the text that follows.
 */
function orderHeadings(fragment: DocumentFragment, before: Outline): Outline {
  let { shift, level } = before
  for (const heading of fragment.querySelectorAll(HEADINGS.join())) {
    const said = Number(heading.tagName.slice(1))
    if (level === 1) shift = said - 2
    level = Math.max(2, Math.min(said - shift, level + 1))
    const ordered = document.createElement(HEADINGS[level - 1] ?? 'h6')
    ordered.append(...heading.childNodes)
    heading.replaceWith(ordered)
  }
  return { shift, level }
}

/** Adds a copy button. */
function wrapCode(pre: HTMLPreElement): void {
  const bar = createElement('div', 'code-bar')
  const language = createElement('span', 'code-language')
  language.textContent = pre.dataset.language ?? ''
  const button = createElement('button', 'code-copy')
  button.type = 'button'
  button.textContent = strings.copyCode
  bar.append(language, button)
  const box = createElement('div', 'code-box')
  pre.replaceWith(box)
  pre.tabIndex = 0
  box.append(bar, pre)
}

/** Lets a wide table be scrolled by keyboard. */
function wrapTable(table: HTMLTableElement): void {
  const box = createElement('div', 'table-box')
  box.tabIndex = 0
  box.setAttribute('role', 'region')
  box.setAttribute('aria-label', strings.table)
  table.replaceWith(box)
  box.append(table)
}

function createElement<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string,
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name)
  element.className = className
  return element
}
