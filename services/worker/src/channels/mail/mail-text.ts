import type { Notice } from '@chatbox/core'
import { MAX_SUBJECT_LENGTH, toLine, toParagraph, toSafeLink } from '../notice.ts'

export interface MailText {
  subject: string
  text: string
  html: string
}

/** A part of a mail, from which both forms are made, so that they say the same. */
type Part =
  | { as: 'title'; text: string }
  | { as: 'words'; text: string }
  | { as: 'fact'; label: string; text: string }
  | { as: 'link'; label: string; href: string }

/** Returns the words of a mail about `notice`. Its subject is one line. */
export function toMailText(notice: Notice): MailText {
  const parts = toParts(notice)
  return {
    subject: toLine(notice.subject),
    text: `${parts.map(toText).join('\n\n')}\n`,
    html: toPage(parts.map(toHtml)),
  }
}

function toParts(notice: Notice): Part[] {
  const { subject, text, time, sessionId } = notice
  const link = toSafeLink(notice)
  return [
    { as: 'title', text: toLine(subject) },
    ...(text === undefined ? [] : [{ as: 'words' as const, text: toParagraph(text) }]),
    { as: 'fact', label: 'Time', text: time.toISOString() },
    ...(sessionId === undefined
      ? []
      : [{ as: 'fact' as const, label: 'Session', text: toLine(sessionId, MAX_SUBJECT_LENGTH) }]),
    ...(link === undefined
      ? []
      : [{ as: 'link' as const, label: 'Open in the console', href: link }]),
  ]
}

function toText(part: Part): string {
  if (part.as === 'link') return `${part.label}: ${part.href}`
  if (part.as === 'fact') return `${part.label}: ${part.text}`
  return part.as === 'words' ? part.text.replace(/^/gm, '> ') : part.text
}

function toHtml(part: Part): string {
  if (part.as === 'link') return html`<p><a href="${part.href}">${part.label}</a></p>`
  if (part.as === 'fact') return html`<p>${part.label}: <span>${part.text}</span></p>`
  if (part.as === 'words') return html`<p style="white-space: pre-wrap">${part.text}</p>`
  return html`<h1 style="font-size: 1.2em">${part.text}</h1>`
}

function toPage(parts: readonly string[]): string {
  const head = '<meta charset="utf-8"><meta name="color-scheme" content="light dark">'
  return `<!doctype html><html lang="en"><head>${head}</head><body>${parts.join('')}</body></html>`
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** The only way from a text to HTML. Every value between the literal parts is escaped. */
function html(literals: TemplateStringsArray, ...values: string[]): string {
  return String.raw(
    { raw: literals },
    ...values.map((value) => value.replace(/[&<>"']/g, (one) => ESCAPES[one] ?? '')),
  )
}
