import type { AlertChannel, Notice } from '@chatbox/core'
import { toLine, toParagraph, toSafeLink } from '../notice.ts'
import { createToSaid } from '../said.ts'
import type { ChatOptions } from './chat-channel.ts'
import { createHttpChannel } from './http-channel.ts'

/**
 * Creates a channel to a workflow of Teams that begins with "When a Teams webhook request is
 * received" and posts a card. It answers 202 before it has posted.
 */
export function createTeamsChannel(options: ChatOptions): AlertChannel {
  const { url } = options
  return createHttpChannel({
    ...options,
    kind: 'teams',
    recipient: url.host,
    toSaid: createToSaid([url.href, url.pathname + url.search, ...url.searchParams.values()]),
    toPost: (notice) => ({
      url,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(toTeamsPayload(notice)),
    }),
  })
}

export function toTeamsPayload(notice: Notice): object {
  const link = toSafeLink(notice)
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      toText(toLine(notice.subject), { weight: 'bolder' }),
      ...(notice.text === undefined ? [] : [toText(toParagraph(notice.text))]),
      toText(notice.time.toISOString(), { isSubtle: true }),
    ],
    ...(link ? { actions: [{ type: 'Action.OpenUrl', title: 'Open', url: link }] } : {}),
  }
  const contentType = 'application/vnd.microsoft.card.adaptive'
  return { type: 'message', attachments: [{ contentType, contentUrl: null, content }] }
}

/**
 * A run of text is shown as it is, while a `TextBlock` reads Markdown. Mentions are in angle brackets
 * or begin with `@`, so a space without width breaks them.
 */
function toText(text: string, look: object = {}): object {
  const inert = text.replace(/[@<]/g, '$&\u200b')
  return { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: inert, ...look }] }
}
