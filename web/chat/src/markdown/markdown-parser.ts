import { Marked, type RendererObject, type Token, type Tokens } from 'marked'
import { strings } from '../strings.ts'
import { toSafeLink } from './safe-link.ts'

/** A reply's own headings come below those of the page. */
const HEADING_OFFSET = 1

/** An image in a link is text: a link cannot hold another one. */
let linkDepth = 0

const renderer: RendererObject = {
  html({ text, ...token }) {
    const escaped = escapeHtml(text.trimEnd())
    return 'block' in token && token.block ? `<p>${escaped}</p>\n` : escaped
  },
  heading({ tokens, depth }) {
    const level = Math.min(6, depth + HEADING_OFFSET)
    return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`
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

/** The top-level blocks of a text. */
export function parseBlocks(text: string): Token[] {
  return marked.lexer(text)
}

/** HTML of blocks. Not safe yet: it goes through `sanitizeHtml` before it becomes nodes. */
export function toHtml(blocks: Token[]): string {
  linkDepth = 0
  return marked.parser(blocks)
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
