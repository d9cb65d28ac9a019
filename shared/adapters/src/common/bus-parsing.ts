import { busEventSchema, type BusEvent } from '@chatbox/contract'
import { z } from 'zod'
import { isLaterEvent, LATER_EVENT } from './later-event.ts'

const namedSchema = z.object({ event: z.string() })

/** The event that came on the channel of `sessionId`; undefined for anything that is none of it. */
export function parseBusEvent(
  text: string,
  sessionId: string,
): BusEvent | typeof LATER_EVENT | undefined {
  const value = parseJson(text)
  const parsed = busEventSchema.safeParse(value)
  if (parsed.success) return sessionIdOf(parsed.data) === sessionId ? parsed.data : undefined
  return isLaterEvent(namedSchema.safeParse(value).data?.event) ? LATER_EVENT : undefined
}

function sessionIdOf(event: BusEvent): string {
  switch (event.event) {
    case 'reply:start':
    case 'reply:delta':
      return event.payload.sessionId
    case 'message:new':
      return event.payload.message.sessionId
    case 'session:updated':
      return event.payload.session.id
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
