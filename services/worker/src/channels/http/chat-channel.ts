import type { AlertChannel, Notice } from '@chatbox/core'
import { toLine, toParagraph, toSafeLink } from '../notice.ts'
import { createToSaid } from '../said.ts'
import { createHttpChannel } from './http-channel.ts'

export interface ChatOptions {
  /** Its path is the secret that lets anybody post. */
  url: URL
  allowPrivate: boolean
  timeoutMs?: number
}

/**
 * Creates a channel to an incoming webhook of Slack, or of what takes its format: Mattermost, Discord
 * under `/slack`. Those read `text` alone.
 */
export function createChatChannel(options: ChatOptions): AlertChannel {
  const { url } = options
  return createHttpChannel({
    ...options,
    kind: 'chat',
    recipient: url.host,
    toSaid: createToSaid([url.href, url.pathname]),
    toPost: (notice) => ({
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(toChatPayload(notice)),
    }),
  })
}

export function toChatPayload(notice: Notice): { text: string; blocks: object[] } {
  const subject = toInert(toLine(notice.subject))
  const words = notice.text === undefined ? undefined : toInert(toParagraph(notice.text))
  const link = escape(toSafeLink(notice) ?? '')
  return {
    text: [subject, words, link].filter(Boolean).join('\n'),
    blocks: [
      toPlainBlock(subject),
      ...(words ? [toPlainBlock(words)] : []),
      ...(link ? [{ type: 'section', text: { type: 'mrkdwn', text: `<${link}|Open>` } }] : []),
    ],
  }
}

function toPlainBlock(text: string): object {
  return { type: 'section', text: { type: 'plain_text', text: toBlockText(text), emoji: false } }
}

/** Slack refuses a whole post for a longer text of a section, and for an empty one. */
const MAX_BLOCK_LENGTH = 3000

/** Cuts between characters, of which an escape is one. */
function toBlockText(text: string): string {
  if (text.length <= MAX_BLOCK_LENGTH) return text || '-'
  let fitting = ''
  for (const [character] of text.matchAll(/&\w+;|[^]/gu)) {
    if (fitting.length + character.length >= MAX_BLOCK_LENGTH) break
    fitting += character
  }
  return `${fitting}…`
}

const ZERO_WIDTH_SPACE = '\u200b'

/**
 * Returns text that names nobody and links nowhere. `&<>` are Slack's own escapes. Elsewhere there is
 * none for `@everyone`, an image or an address, so a space without width breaks them.
 */
function toInert(text: string): string {
  return escape(text.replace(/@|\](?=[([:])|:(?=\/\/)/g, `$&${ZERO_WIDTH_SPACE}`))
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
