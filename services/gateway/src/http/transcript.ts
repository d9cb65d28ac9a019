import { LIMITS, type Message, type Session } from '@chatbox/contract'
import type { MessageLog } from '@chatbox/core'
import { html } from './escape-html.ts'

export type TranscriptFormat = 'txt' | 'json' | 'html'

/** A file of a session's log: what stands before, between and after its messages. */
interface Layout {
  mediaType: string
  begin(session: Session): string
  entry(message: Message): string
  between: string
  end: string
}

const LAYOUTS: Record<TranscriptFormat, Layout> = {
  txt: {
    mediaType: 'text/plain; charset=utf-8',
    begin: (session) => `${toTitle(session)}\n${session.startedAt}\n\n`,
    entry: (message) => `[${message.createdAt}] ${toSenderName(message)}:\n${toText(message)}\n`,
    between: '\n',
    end: '',
  },
  json: {
    mediaType: 'application/json; charset=utf-8',
    begin: (session) => `{"session":${JSON.stringify(session)},"messages":[\n`,
    entry: (message) => JSON.stringify(message),
    between: ',\n',
    end: '\n]}\n',
  },
  html: {
    mediaType: 'text/html; charset=utf-8',
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

export function transcriptMediaType(format: TranscriptFormat): string {
  return LAYOUTS[format].mediaType
}

export function transcriptFileName(session: Session, format: TranscriptFormat): string {
  return `session-${session.startedAt.slice(0, 10)}-${session.id}.${format}`
}

/** The whole log piece by piece, one page in memory at a time, however long it is. */
export async function* readTranscript(
  messages: Pick<MessageLog, 'read'>,
  session: Session,
  format: TranscriptFormat,
): AsyncGenerator<string, void, undefined> {
  const layout = LAYOUTS[format]
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
  if (message.event) return `(${message.event.type.replaceAll('_', ' ')})`
  const note = message.status === 'complete' ? '' : ` (${message.status})`
  return `${message.content}${note}`.trim()
}
