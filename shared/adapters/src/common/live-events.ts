import {
  GATEWAY_EVENTS,
  SERVER_EVENTS,
  WORKER_EVENTS,
  type BusEvent,
  type EventOf,
  type ServerEvent,
} from '@chatbox/contract'
import { z } from 'zod'

/** In place of an event that a later version sends and this one does not know: it is passed over. */
export const LATER_EVENT = 'later'
type LaterEvent = typeof LATER_EVENT

/** Socket.IO's type of a packet that is an event. */
const EVENT = 2
/** A room name holds at most a user's id. */
const nameSchema = z.string().min(1).max(300)
const MAX_ROOMS = 10
/** Sockets that an event is not for: the one that caused it. */
const MAX_EXCEPT = 10

const broadcastSchema = z.tuple([
  z.string().max(64),
  z.object({
    type: z.literal(EVENT),
    data: z.tuple([z.string(), z.unknown()]),
    nsp: z.literal('/'),
  }),
  z.object({
    // Without a room it would be for everybody.
    rooms: z.array(nameSchema).min(1).max(MAX_ROOMS),
    except: z.array(nameSchema).max(MAX_EXCEPT),
    flags: z.object({ volatile: z.boolean().optional(), broadcast: z.boolean().optional() }),
  }),
])
export type Broadcast = z.infer<typeof broadcastSchema>

/** What a gateway broadcast to the others; undefined for anything that none of ours sends. */
export function parseBroadcast(text: string): Broadcast | LaterEvent | undefined {
  const parsed = broadcastSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const [publisher, packet, options] = parsed.data
  const [event, payload] = packet.data
  const told = parseEvent(GATEWAY_EVENTS, { event, payload })
  if (told === undefined || told === LATER_EVENT) return told
  return [publisher, { ...packet, data: [told.event, told.payload] }, options]
}

/** The event that came on the channel of `sessionId`; undefined for anything that is none of it. */
export function parseBusEvent(text: string, sessionId: string): BusEvent | LaterEvent | undefined {
  const told = parseEvent(WORKER_EVENTS, parseJson(text))
  if (told === undefined || told === LATER_EVENT) return told
  return sessionIdOf(told) === sessionId ? told : undefined
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

const eventSchema = z.object({ event: z.string(), payload: z.unknown().optional() })

/** As parsed: a field of a later version may not be for the sockets that this goes to. */
function parseEvent<E extends ServerEvent>(
  events: Pick<typeof SERVER_EVENTS, E>,
  value: unknown,
): EventOf<E> | LaterEvent | undefined {
  const told = eventSchema.safeParse(value)
  if (!told.success) return undefined
  const { event, payload } = told.data
  if (!Object.hasOwn(SERVER_EVENTS, event)) return LATER_EVENT
  const schemas: Readonly<Record<string, z.ZodType>> = events
  // One of ours in the wrong place has no schema here.
  const parsed = schemas[event]?.safeParse(payload)
  if (!parsed?.success) return undefined
  // The payload was made by the schema of the event's name, which is what the type says.
  return { event, payload: parsed.data } as EventOf<E>
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
