import { busEventSchema, type BusEvent } from '@chatbox/contract'

/** The event that came on the channel of `sessionId`; undefined for anything that is none of it. */
export function parseBusEvent(text: string, sessionId: string): BusEvent | undefined {
  const parsed = busEventSchema.safeParse(parseJson(text))
  if (!parsed.success || sessionIdOf(parsed.data) !== sessionId) return undefined
  return parsed.data
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
