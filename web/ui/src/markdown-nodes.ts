import { Marked, type RendererObject, type Token, type Tokens } from 'marked'
import { sanitizeHtml, toSafeLink } from './sanitize-html.ts'
import { strings } from './strings.ts'

/** The state of a text's headings. */
export interface Outline {
  /** By how many levels the first heading was above its proper level. */
  shift: number
  level: number
}

/** The outline before the first heading, below the page's own heading. */
export const EMPTY_OUTLINE: Outline = { shift: 0, level: 1 }
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const

/** Images inside a link become text, because a link cannot contain another link. */
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
  /** Images are never loaded, because an address can leak the conversation. */
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

/** Renders a text. `blocks` are its top-level blocks, if known. */
export function render(text: string, before = EMPTY_OUTLINE, blocks?: Token[]): Rendered {
  const nodes = toNodes(text, blocks)
  const outline = orderHeadings(nodes, before)
  for (const pre of nodes.querySelectorAll('pre')) wrapCode(pre)
  for (const table of nodes.querySelectorAll('table')) wrapTable(table)
  return { nodes, outline }
}

/** Parses the top-level blocks of a text. Returns none if the parser fails. */
export function parseBlocks(text: string): Token[] {
  try {
    return marked.lexer(text)
  } catch {
    return []
  }
}

/** Returns a markdown text without its markup. */
export function toPlainText(text: string): string {
  return toNodes(text).textContent.replaceAll(/\s+/g, ' ').trim()
}

/** Shows a text as it is if the parser fails, for example on thousands of nested levels. */
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
 * Gives headings levels without gaps, beginning one below the page's, so that readers who jump from
 * heading to heading miss none. Returns the outline for the text that follows.
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

/** Makes a wide table scrollable by keyboard. */
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
