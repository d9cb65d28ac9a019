import type { Token } from 'marked'
import { strings } from '../strings.ts'
import { parseMarkdown, toHtml } from './grammar.ts'
import { toRealTarget } from './links.ts'
import { sanitizeHtml } from './sanitize-html.ts'

/** The state of a text's headings. */
export interface Outline {
  /** By how many levels the first heading was above its proper level. */
  shift: number
  level: number
}

/** The outline before the first heading, below the page's own heading. */
export const EMPTY_OUTLINE: Outline = { shift: 0, level: 1 }
const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const
/** Blocks that take their direction from their own text. A block inside one of them follows it. */
const DIRECTED = `blockquote, li, th, td, :is(p, ${HEADINGS.join()}):not(blockquote > *, li > *)`
const LETTER = /\p{L}/u
const RTL = String.raw`[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]`
const HAS_RTL = new RegExp(RTL, 'u')
const STARTS_RTL = new RegExp(String.raw`^\P{L}*${RTL}`, 'u')

interface Rendered {
  nodes: DocumentFragment
  outline: Outline
}

/** Renders a text. `blocks` are its top-level blocks, if known. */
export function renderMarkdown(text: string, before = EMPTY_OUTLINE, blocks?: Token[]): Rendered {
  const nodes = toNodes(text, blocks)
  const outline = orderHeadings(nodes, before)
  for (const table of nodes.querySelectorAll('table')) wrapTable(table)
  setDirections(nodes)
  nameTargets(nodes)
  for (const pre of nodes.querySelectorAll('pre')) wrapCode(pre)
  return { nodes, outline }
}

/** Parses the top-level blocks of a text. Returns none if the parser fails. */
export function parseBlocks(text: string): Token[] {
  try {
    return parseMarkdown(text)
  } catch {
    return []
  }
}

/** Returns a markdown text without its markup, and in words where its links really lead. */
export function toPlainText(text: string): string {
  const nodes = toNodes(text)
  nameTargets(nodes)
  return nodes.textContent.replaceAll(/\s+/g, ' ').trim()
}

/** Shows a text as it is if the parser fails, for example on thousands of nested levels. */
function toNodes(text: string, blocks?: Token[]): DocumentFragment {
  try {
    return sanitizeHtml(toHtml(blocks ?? parseMarkdown(text)))
  } catch {
    const fragment = document.createDocumentFragment()
    fragment.append(text)
    return fragment
  }
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

/**
 * Lets each block follow its first letter. Numbers alone follow what is around them. Code and
 * addresses read from left to right in any text.
 */
function setDirections(fragment: DocumentFragment): void {
  for (const block of fragment.querySelectorAll<HTMLElement>(DIRECTED)) {
    if (LETTER.test(block.textContent)) block.dir = 'auto'
  }
  for (const part of fragment.querySelectorAll<HTMLElement>('a, code')) {
    if (part.tagName === 'CODE' || !HAS_RTL.test(part.textContent)) part.dir = 'ltr'
  }
}

/** Says in words where links lead whose text says otherwise. */
function nameTargets(fragment: DocumentFragment): void {
  for (const link of fragment.querySelectorAll<HTMLAnchorElement>('a[href]')) {
    const target = toRealTarget(link.href, link.textContent)
    if (target === '') continue
    const words = createElement('bdi', 'link-target')
    words.textContent = target
    link.after(' (', words, ')')
  }
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
  box.dir = 'ltr'
  pre.replaceWith(box)
  pre.tabIndex = 0
  box.append(bar, pre)
}

/**
 * Makes a wide table scrollable by keyboard, from the side of its first column. Which side that is
 * cannot be left to `dir="auto"`, which skips cells that have a direction of their own.
 */
function wrapTable(table: HTMLTableElement): void {
  const box = createElement('div', 'table-box')
  if (STARTS_RTL.test(table.textContent)) box.dir = 'rtl'
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
