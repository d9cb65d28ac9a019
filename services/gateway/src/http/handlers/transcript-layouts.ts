import type { Message, RouteMediaType, RouteQuery, Session, SessionEvent } from '@chatbox/contract'

type TranscriptFormat = NonNullable<RouteQuery<'downloadTranscript'>['format']>

/** The format of a transcript: the parts before, between and after the messages. */
export interface Layout {
  mediaType: RouteMediaType<'downloadTranscript'>
  begin: (session: Session) => string
  entry: (message: Message) => string
  between: string
  end: string
  /** In the place of `end` if the rest of the log cannot be read. */
  brokenOff: string
}

const BROKEN_OFF = 'The transcript breaks off here, because the rest could not be read.'

/** Apart from the templates, in which the formatter would close these tags before the messages. */
const HTML_BEGIN = '<!doctype html>\n<html lang="en" dir="ltr">\n'
const BODY_BEGIN = '<body>\n'

export const LAYOUTS: Record<TranscriptFormat, Layout> = {
  txt: {
    mediaType: 'text/plain',
    begin: (session) => `${toTitle(session)}\nStarted: ${session.startedAt}\n\n`,
    entry: (message) => `[${message.createdAt}] ${toHeading(message)}\n${indent(toText(message))}`,
    between: '\n',
    end: '\nEnd of the transcript.\n',
    brokenOff: `\n${BROKEN_OFF}\n`,
  },
  json: {
    mediaType: 'application/json',
    begin: (session) => `{"session":${JSON.stringify(session)},"messages":[\n`,
    entry: (message) => JSON.stringify(message),
    between: ',\n',
    end: '\n],"complete":true}\n',
    brokenOff: '\n],"complete":false}\n',
  },
  html: {
    mediaType: 'text/html',
    begin: (session) => `${HTML_BEGIN}${toHead(session)}`,
    // Nobody knows the language of a message.
    entry: (message) =>
      html`<section>
        <h2 dir="auto">${toHeading(message)}</h2>
        <p><time>${message.createdAt}</time></p>
        <pre dir="auto" lang="">${toText(message)}</pre>
      </section> `,
    between: '',
    end: '<p>End of the transcript.</p></body></html>\n',
    brokenOff: `<p>${BROKEN_OFF}</p></body></html>\n`,
  },
}

function toHead(session: Session): string {
  const head = html`<head>
    <meta charset="utf-8" />
    <title>${toTitle(session)}</title>
  </head> `
  const begin = html`<h1 dir="auto">${toTitle(session)}</h1>
    <p>Started: <time>${session.startedAt}</time></p> `
  return `${head}\n${BODY_BEGIN}${begin}\n`
}

function toTitle(session: Session): string {
  return toLine(session.name) || 'Chat'
}

/** Who has written an entry. What a person calls themselves never stands without what they are. */
function toHeading({ sender, modelId }: Message): string {
  const party = { user: 'User', ai: 'Assistant', admin: 'Operator', system: 'System' }[sender.type]
  const model = sender.type === 'ai' ? toLine(modelId ?? sender.id) : ''
  const is = model ? `${party}, model ${model}` : party
  const name = toLine(sender.name)
  return name ? `${name} (${is})` : is
}

function toText(message: Message): string {
  if (message.kind === 'unknown') return '(cannot be shown by this version)'
  if (message.event) return `(${toSentence(message.event)})`
  const { content, status, error } = message
  if (status === 'complete') return content
  const note = error ? `${status}: ${error.message}` : status
  return content ? `${content}\n(${note})` : `(${note})`
}

const ENDS: Record<Extract<SessionEvent, { type: 'session_ended' }>['reason'], string> = {
  user: 'the user ended it',
  operator: 'an operator ended it',
  idle: 'nothing happened in it for too long',
  replaced: 'the user began another one',
  unknown: 'the reason is not known',
}

function toSentence(event: SessionEvent): string {
  switch (event.type) {
    case 'session_ended':
      return `The session ended: ${ENDS[event.reason]}.`
    case 'model_selected':
      return `From here on the model ${event.modelId} answers.`
    case 'help_requested':
      return event.note ? `Help was asked for: ${event.note}` : 'Help was asked for.'
    case 'help_resolved':
      return 'Help is no longer asked for.'
    case 'takeover_started':
      return `${toLine(event.by.name) || 'An operator'} took over from the model.`
    case 'takeover_ended':
      return `${toLine(event.by.name) || 'An operator'} left it to the model again.`
  }
}

/** Everything that an editor or a terminal takes for the end of a line. */
const LINE_ENDS = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u
/** What moves the cursor of a terminal: control characters except tabs and ends of lines. */
const CONTROLS = /[^\P{Cc}\t-\r\u0085]/gu
/** What turns the order of the rest of a line around. */
const BIDI_CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** A name or a title as a part of a line of ours. */
function toLine(text: string): string {
  const plain = text.replace(BIDI_CONTROLS, '').split(LINE_ENDS).join(' ')
  return plain.replace(CONTROLS, '').replace(/\s+/gu, ' ').trim()
}

/** Indents every line, so that no line of a message looks like the beginning of another one. */
function indent(text: string): string {
  return text
    .split(LINE_ENDS)
    .map((line) => `    ${line.replace(CONTROLS, '\ufffd')}`.trimEnd() + '\n')
    .join('')
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Builds HTML and escapes every value. */
export function html(parts: TemplateStringsArray, ...values: (string | number)[]): string {
  return parts.reduce((done, part, index) => {
    return done + escapeHtml(String(values[index - 1])) + part
  })
}

function escapeHtml(text: string): string {
  const plain = text.replace(CONTROLS, '\ufffd')
  return plain.replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '')
}
