import { createParser, type EventSourceMessage, type ParseError } from 'eventsource-parser'
import { LLM_LIMITS } from '../llm-limits.ts'

/** A single event is longer than the cap; what came before it has been delivered. */
export class EventTooLongError extends Error {
  override readonly name = 'EventTooLongError'
}

/**
 * The events of a server-sent event stream, whatever way its bytes are cut; those that came with one
 * read come together. An event that is not ended by a blank line when the stream ends is dropped, as
 * the standard says: whoever needs to know that a stream is whole looks for its terminator.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
  maxLength: number = LLM_LIMITS.eventLength,
): AsyncGenerator<EventSourceMessage[]> {
  const ready: EventSourceMessage[] = []
  const overflows: ParseError[] = []
  const parser = createParser({
    maxBufferSize: maxLength,
    onEvent: (event) => ready.push(event),
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') overflows.push(error)
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    if (ready.length > 0) yield ready.splice(0)
    if (overflows.length > 0)
      throw new EventTooLongError(`an event has more than ${maxLength} characters`)
  }
}
