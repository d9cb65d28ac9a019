import {
  LIMITS,
  type Message,
  type RouteMediaType,
  type RouteQuery,
  type Session,
} from '@chatbox/contract'
import type { MessageLog } from '@chatbox/core'
import { Download } from '../api.ts'

type TranscriptFormat = NonNullable<RouteQuery<'downloadTranscript'>['format']>
type TranscriptType = RouteMediaType<'downloadTranscript'>

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** The format of a transcript: the parts before, between and after the messages. */
interface Layout {
  mediaType: TranscriptType
  begin(session: Session): string
  entry(message: Message): string
  between: string
  end: string
}

const LAYOUTS: Record<TranscriptFormat, Layout> = {
  txt: {
    mediaType: 'text/plain',
    begin: (session) => `${toTitle(session)}\n${session.startedAt}\n\n`,
    entry: (message) => `[${message.createdAt}] ${toSenderName(message)}:\n${toText(message)}\n`,
    between: '\n',
    end: '',
  },
  json: {
    mediaType: 'application/json',
    begin: (session) => `{"session":${JSON.stringify(session)},"messages":[\n`,
    entry: (message) => JSON.stringify(message),
    between: ',\n',
    end: '\n]}\n',
  },
  html: {
    mediaType: 'text/html',
    begin: (session) =>
      html`<!doctype html>
        <html>
          <head>
            <meta charset="utf-8" />
            <title>${toTitle(session)}</title>
          </head>
          <body>
            <h1>${toTitle(session)}</h1>
            <p>${session.startedAt}</p>
          </body>
        </html> `,
    entry: (message) =>
      html`<section>
        <h2>${toSenderName(message)}</h2>
        <p><time>${message.createdAt}</time></p>
        <pre>${toText(message)}</pre>
      </section> `,
    between: '',
    end: '</body></html>\n',
  },
}

/** Creates a file of the whole log. Only one page of the log is in memory at a time. */
export function toTranscript(
  messages: MessageLog,
  session: Session,
  format: TranscriptFormat,
): Download<TranscriptType> {
  const layout = LAYOUTS[format]
  return new Download({
    name: `session-${session.startedAt.slice(0, 10)}-${session.id}.${format}`,
    mediaType: layout.mediaType,
    pieces: readPieces(messages, session, layout),
  })
}

async function* readPieces(
  messages: MessageLog,
  session: Session,
  layout: Layout,
): AsyncGenerator<string, void, undefined> {
  yield layout.begin(session)
  let afterSeq = 0
  let hasMore = true
  while (hasMore) {
    const page = await messages.read(session.id, { afterSeq, limit: LIMITS.historyPage })
    for (const message of page.messages) {
      yield (message.seq === 1 ? '' : layout.between) + layout.entry(message)
      afterSeq = message.seq
    }
    hasMore = page.hasMore && page.messages.length > 0
  }
  yield layout.end
}

function toTitle(session: Session): string {
  return session.name || 'Chat'
}

function toSenderName({ sender }: Message): string {
  if (sender.name) return sender.name
  return { user: 'User', ai: 'Assistant', admin: 'Operator', system: 'System' }[sender.type]
}

function toText(message: Message): string {
  if (message.kind === 'unknown') return '(cannot be shown by this version)'
  if (message.event) return `(${message.event.type.replaceAll('_', ' ')})`
  const note = message.status === 'complete' ? '' : ` (${message.status})`
  return `${message.content}${note}`.trim()
}

/** Builds HTML and escapes every value. */
export function html(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((done, part, index) => {
    return done + escapeHtml(String(values[index - 1])) + part
  })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '')
}
