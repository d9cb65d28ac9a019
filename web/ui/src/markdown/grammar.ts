import { Hooks, Marked, type RendererObject, Tokenizer, type Token, type Tokens } from 'marked'
import { strings } from '../strings.ts'
import { toSafeLink, toWords } from './links.ts'

/** Wide characters but emoji. Source: UAX #11, as ranges, with the conjoining jamo of Hangul. */
const CJK = String.raw`[\u{e0100}-\u{e01ef}\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe6f\uff01-\uffee\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{20000}-\u{3fffd}]`
const RUN = String.raw`(?:\*+|~~)`
/** Neighbours of a run that has a CJK character on one side and no space on the other. */
const CJK_NEIGHBOURS = new RegExp(
  String.raw`[^\s*~](?=${RUN}${CJK})|${CJK}(?=${RUN}[^\s*~])|(?<=${CJK}${RUN})[^\s*~]|(?<=[^\s*~]${RUN})${CJK}`,
  'gu',
)
const RUN_BEFORE_CJK = new RegExp(`^${RUN}${CJK}`, 'u')
/** The tokenizer gets half of a character outside the basic plane. */
const CJK_OR_HALF = new RegExp(String.raw`${CJK}|[\udc00-\udfff]`, 'u')
/** What an address begins with, as the parser knows it. The local part of mail has a limit too. */
const BEGINS_ADDRESS = /^(?:(?:https?|ftp):\/\/|www\.|(?:mailto|xmpp):|[\w.+-]{1,254}@)/i
/** No address is longer. It bounds the time that is spent at each place where one may begin. */
const MAX_ADDRESS = 2048
const ADDRESS = new RegExp(String.raw`^[^\s<]{1,${MAX_ADDRESS}}`, 'u')
/**
 * Punctuation of other scripts than Latin ends an address. That of Latin script does where no letter
 * of its script follows, because it may also be a part, as in `Ohm’sches_Gesetz`. Dashes end none.
 */
const ADDRESS_END = new RegExp(
  String.raw`(?![\0-\x7f])[\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Po}～](?<![\xa1-\xbf\u2010-\u203e](?=[\p{Script=Latin}\p{N}/%_-]))`,
  'u',
)
const WWW_AFTER_CJK = new RegExp(String.raw`www\.(?<=${CJK}www\.)`, 'u')
/** How far a text is searched before it is known where it ends. */
const NEAR = 1000
/** Without its end, a comment is all of the text that follows. */
const COMMENT = /^ {0,3}<!--(?:-?>|[\s\S]*?(?:-->|$))[ \t]*\n*/
const CLOSED_COMMENT = /^\s*<!--(?:-?>|[\s\S]*?-->)/
const LINE_BREAK = /^<\/?br(?:\s[^>]*)?\/?>$/i

/**
 * Emphasis by the CJK-friendly amendments to CommonMark (github.com/tats-u/markdown-cjk-friendly,
 * specification.md): between a CJK character and another one that is no space, a run of stars can
 * both open and close. To the parser, both neighbours are letters then. The amendments change
 * nothing for `_` but variation selectors, which are left out.
 */
class CjkHooks extends Hooks {
  override emStrongMask(source: string): string {
    return source.replace(CJK_NEIGHBOURS, (character) => 'a'.repeat(character.length))
  }
}

/** GitHub's markdown, with what models mean where they write otherwise. */
class ModelTokenizer extends Tokenizer {
  override emStrong(
    source: string,
    masked: string,
    before = '',
  ): ReturnType<Tokenizer['emStrong']> {
    return super.emStrong(
      source,
      masked,
      source.startsWith('*') ? toOpener(source, before) : before,
    )
  }

  /** Only two tildes strike out. A single one stands for "about" or "to", as in 3~5. */
  override del(source: string, masked: string, before = ''): ReturnType<Tokenizer['del']> {
    return source.startsWith('~~') ? super.del(source, masked, toOpener(source, before)) : undefined
  }

  /** Cuts before the parser reads, which otherwise reads all that follows at each address. */
  override url(source: string): Tokens.Link | undefined {
    if (!BEGINS_ADDRESS.test(source)) return undefined
    const [address = ''] = ADDRESS.exec(source) ?? []
    const end = address.search(ADDRESS_END)
    if (end !== -1) return super.url(address.slice(0, end))
    return address.length < MAX_ADDRESS ? super.url(address) : undefined
  }

  /** Searches the near text first, because the parser reads up to the next mark, however far. */
  override inlineText(source: string): Tokens.Text | undefined {
    const near = source.slice(0, NEAR).search(WWW_AFTER_CJK)
    if (near > 0) return super.inlineText(source.slice(0, near))
    const text = super.inlineText(source)
    const end = text?.raw.search(WWW_AFTER_CJK) ?? -1
    return end > 0 ? super.inlineText(source.slice(0, end)) : text
  }

  /**
   * A line of dashes is a rule, also below a text. Read as a heading, each list without a blank
   * line before it turns the text above into one while its first dash is written.
   */
  override lheading(): undefined {
    return undefined
  }

  /** Of blocks of HTML, only a comment is one. The rest is text, with the markdown in it. */
  override html(source: string): Tokens.HTML | undefined {
    const [raw] = COMMENT.exec(source) ?? []
    return raw === undefined ? undefined : { type: 'html', raw, text: raw, pre: false, block: true }
  }
}

/** Returns no character before a run that may open because of a CJK character beside it. */
function toOpener(source: string, before: string): string {
  if (before.trim() === '' || before === '*' || before === '~') return before
  return CJK_OR_HALF.test(before) || RUN_BEFORE_CJK.test(source) ? '' : before
}

/** Images inside a link become text, because a link cannot contain another link. */
let linkDepth = 0

const renderer: RendererObject = {
  /** Line breaks are made, comments are left out, and other tags are shown as they are written. */
  html({ text, ...token }) {
    if (LINE_BREAK.test(text)) return this.br({ type: 'br', raw: text })
    if (CLOSED_COMMENT.test(text)) return ''
    const escaped = escapeHtml(text.trimEnd())
    return 'block' in token && token.block ? `<p>${escaped}</p>\n` : escaped
  },
  /** The line feed keeps words apart where only the text is used. */
  br: () => '<br>\n',
  code({ text, lang }) {
    const language = /^[\w#+.-]{1,20}/.exec(lang ?? '')?.[0] ?? ''
    return `<pre data-language="${escapeHtml(language)}"><code>${escapeHtml(text)}\n</code></pre>\n`
  },
  checkbox({ checked }) {
    return checked ? '☑ ' : '☐ '
  },
  /** Items look alike with and without blank lines between, because these come while one reads. */
  listitem({ tokens }) {
    return `<li>${this.parser.parse(toParagraphs(tokens))}</li>\n`
  },
  link({ href, tokens }) {
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

const marked = new Marked({ renderer })
marked.setOptions({
  gfm: true,
  breaks: true,
  hooks: new CjkHooks(),
  tokenizer: new ModelTokenizer(),
})

/** Parses the top-level blocks of a text. Throws on thousands of nested levels. */
export function parseMarkdown(text: string): Token[] {
  return marked.lexer(text)
}

/** Returns true for a comment, which may still be without its end. */
export function isComment({ type }: Token): boolean {
  return type === 'html'
}

/** Turns blocks into HTML that has still to be sanitized. */
export function toHtml(blocks: Token[]): string {
  linkDepth = 0
  return marked.parser(blocks)
}

/** Turns bare texts into paragraphs. A checkbox belongs to the first one. */
function toParagraphs([first, ...rest]: Token[]): Token[] {
  if (first?.type === 'checkbox') {
    const [text, ...others] = rest as Tokens.Text[]
    return toParagraphs([
      { ...first, type: 'text', tokens: [first, ...(text?.tokens ?? [])] },
      ...others,
    ])
  }
  return [first, ...rest]
    .filter((token) => token !== undefined)
    .map((token) => (token.type === 'text' ? { ...token, type: 'paragraph' } : token))
}

/** Where an address may not be linked, it stands beside the label. */
function toAnchor(address: string, label: string): string {
  const href = toSafeLink(address)
  if (href !== undefined) return `<a href="${escapeHtml(href)}">${label}</a>`
  const words = escapeHtml(toWords(address))
  return words === '' || words === label ? label : `${label} (${words})`
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
