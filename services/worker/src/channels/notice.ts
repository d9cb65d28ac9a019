import type { Notice } from '@chatbox/core'

/** Line breaks of every kind, tabs and other control characters. */
const CONTROLS = /[\p{Cc}\u2028\u2029]+/gu
/** The same without the line feed. */
const CONTROLS_BUT_LF = /(?:(?!\n)\p{Cc})+/gu
const LINE_BREAK = /\r\n|[\r\u0085\u2028\u2029]/g
/** Marks that reorder what stands around them, so that a word may read as another one. */
const DIRECTIONS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

export const MAX_SUBJECT_LENGTH = 200
export const MAX_TEXT_LENGTH = 2000

/** Returns `text` as one line without invisible directions. A lone surrogate becomes U+FFFD. */
export function toLine(text: string, maxLength = MAX_SUBJECT_LENGTH): string {
  return cut(withoutDirections(text).replace(CONTROLS, ' '), maxLength)
}

/** As `toLine`, but line breaks stay, as line feeds. */
export function toParagraph(text: string): string {
  const lines = withoutDirections(text).replace(LINE_BREAK, '\n').replace(CONTROLS_BUT_LF, ' ')
  return cut(lines, MAX_TEXT_LENGTH)
}

function withoutDirections(text: string): string {
  return text.toWellFormed().replace(DIRECTIONS, '')
}

/** Cuts between characters, never within a surrogate pair. */
function cut(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const characters = Array.from(text)
  return characters.length <= maxLength ? text : `${characters.slice(0, maxLength - 1).join('')}…`
}

/** Returns the link if a browser may be sent to it. */
export function toSafeLink({ link }: Notice): string | undefined {
  const url = link === undefined ? null : URL.parse(link)
  return url && /^https?:$/.test(url.protocol) ? url.href : undefined
}

/** Returns an id that may stand in a header, and in what a webhook signs: there a dot separates. */
export function toHeaderId(id: string): string {
  return encodeURIComponent(id.toWellFormed()).replaceAll('.', '%2E')
}

/**
 * Returns the address of a session in the console, or of the console. It carries no token, so who
 * opens it signs in.
 */
export function toConsoleLink(
  { publicUrl, pathPrefix }: { publicUrl: string; pathPrefix: string },
  sessionId?: string,
): string {
  const url = new URL(`${pathPrefix}/console`, publicUrl)
  if (sessionId !== undefined) url.searchParams.set('session', sessionId)
  return url.href
}
