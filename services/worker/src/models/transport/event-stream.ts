import { createParser } from 'eventsource-parser'
import { toCutError, toNonsenseError } from './provider-error.ts'

export interface StreamEvent {
  /** The name of the event on the wire, or empty. */
  name: string
  data: string
  /**
   * `unended`: the stream ended before the blank line that ends an event. `whole`: the answer is no
   * stream but one JSON document.
   */
  form: 'event' | 'unended' | 'whole'
}

/**
 * The maximum length of an event in characters. The longest reply has 200,000, and its event is
 * parsed into several copies of itself. A longer event ends the reply with an error, never silently.
 */
export const MAX_EVENT_LENGTH = 2 * 1024 * 1024

/**
 * Parses an answer, however its bytes are split: a server-sent event stream, or one JSON document.
 * Its first visible character tells which, because servers label both wrongly. Events from one read
 * arrive together. Throws `LLM_TRUNCATED` for an event above the limit, after the earlier events have
 * been delivered, and `LLM_UNAVAILABLE` for anything else: a page of HTML or prose.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxLength: number = MAX_EVENT_LENGTH,
): AsyncGenerator<StreamEvent[]> {
  const decoder = new TextDecoder()
  let parser = createEmptyParser()
  for await (const bytes of body) {
    const text = decoder.decode(bytes, { stream: true })
    if (parser.isEmpty) parser = chooseParser(text.trimStart(), maxLength)
    const events = parser.feed(text)
    if (events.length > 0) yield events
    if (parser.isOverflown()) throw toCutError(`an event has more than ${maxLength} characters`)
  }
  const last = parser.end()
  if (last.length > 0) yield last
}

interface AnswerParser {
  /** Nothing visible has arrived. */
  isEmpty?: boolean
  feed(text: string): StreamEvent[]
  /** Returns what the end of the answer completes. */
  end(): StreamEvent[]
  isOverflown(): boolean
}

/** Some servers send blank lines first. */
function createEmptyParser(): AnswerParser {
  return { isEmpty: true, feed: () => [], end: () => [], isOverflown: () => false }
}

function chooseParser(text: string, maxLength: number): AnswerParser {
  if (text === '') return createEmptyParser()
  if (text.startsWith('{')) return createDocumentParser(maxLength)
  if (!/^[<[]/u.test(text)) return createStreamParser(maxLength)
  throw toNonsenseError('an answer that is neither an event stream nor JSON', text)
}

/** How much of the first line tells whether a text is an event stream. */
const FIRST_LINE = 500
/** The fields of a server-sent event (WHATWG HTML, 9.2.6). */
const FIELDS = ['data:', 'event:', 'id:', 'retry:']

/** Returns whether a text begins with a comment or a field, whose name may be cut. */
function isLineOfStream(text: string): boolean {
  const [line = ''] = text.trimStart().split(/[\r\n]/u, 1)
  const name = line.slice(0, line.indexOf(':') + 1) || line
  return line.startsWith(':') || FIELDS.some((field) => field.startsWith(name))
}

function createStreamParser(maxLength: number): AnswerParser {
  const ready: StreamEvent[] = []
  let form: StreamEvent['form'] = 'event'
  let overflown = false
  let hasEvents = false
  let beginning = ''
  const parser = createParser({
    maxBufferSize: maxLength,
    onEvent: ({ event = '', data }) => {
      hasEvents = true
      overflown ||= data.length > maxLength
      if (!overflown) ready.push({ name: event, data, form })
    },
    onError: ({ type, field, value = '' }) => {
      overflown ||= type === 'max-buffer-size-exceeded'
      // llama.cpp states an error in a field of its own, and then ends like any other reply.
      if (field === 'error') ready.push({ name: 'error', data: value, form })
    },
  })
  return {
    feed: (text) => {
      if (beginning.length < FIRST_LINE) beginning = (beginning + text).slice(0, FIRST_LINE)
      parser.feed(text)
      return ready.splice(0)
    },
    end: () => {
      form = 'unended'
      parser.feed('\n\n')
      const last = ready.splice(0)
      if (hasEvents || last.length > 0 || isLineOfStream(beginning)) return last
      throw toNonsenseError('text that is no event stream', beginning)
    },
    isOverflown: () => overflown,
  }
}

function createDocumentParser(maxLength: number): AnswerParser {
  const pieces: string[] = []
  let length = 0
  return {
    feed: (text) => {
      length += text.length
      if (length <= maxLength) pieces.push(text)
      return []
    },
    end: () => [{ name: '', data: pieces.join(''), form: 'whole' }],
    isOverflown: () => length > maxLength,
  }
}
