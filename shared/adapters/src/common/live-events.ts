import {
  GATEWAY_EVENTS,
  SERVER_EVENTS,
  sessionRoom,
  userRoom,
  WORKER_EVENTS,
  type BusEvent,
  type EventOf,
  type ServerEvent,
} from '@chatbox/contract'
import { z } from 'zod'

/** Replaces an event of a later version that this version does not know. It is ignored. */
export const LATER_EVENT = 'later'
type LaterEvent = typeof LATER_EVENT

/** Socket.IO's packet type for an event. */
const EVENT = 2
/** The longest part of a room name is a user's id. */
const nameSchema = z.string().min(1).max(300)
const MAX_ROOMS = 10
/** The sockets to exclude, such as the event's sender. */
const MAX_EXCEPT = 10

const broadcastSchema = z.tuple([
  z.string().max(64),
  z.object({
    type: z.literal(EVENT),
    data: z.tuple([z.string(), z.unknown()]),
    nsp: z.literal('/'),
  }),
  z.object({
    // An event without a room would go to everybody.
    rooms: z.array(nameSchema).min(1).max(MAX_ROOMS),
    except: z.array(nameSchema).max(MAX_EXCEPT),
    flags: z.object({ volatile: z.boolean().optional(), broadcast: z.boolean().optional() }),
  }),
])
export type Broadcast = z.infer<typeof broadcastSchema>

/**
 * Parses a broadcast of another gateway. Returns undefined for anything that our gateways do not
 * send, such as an event of one session to the room of another.
 */
export function parseBroadcast(text: string): Broadcast | LaterEvent | undefined {
  const parsed = broadcastSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const [publisher, packet, options] = parsed.data
  const [event, payload] = packet.data
  const told = parseEvent(GATEWAY_EVENTS, { event, payload })
  if (told === undefined || told === LATER_EVENT) return told
  const allowed = roomsOf(told)
  if (!options.rooms.every((room) => allowed.includes(room))) return undefined
  return [publisher, { ...packet, data: [told.event, told.payload] }, options]
}

/**
 * Parses an event from the channel of `sessionId`. Returns undefined for an event of another
 * session or an invalid one.
 */
export function parseBusEvent(text: string, sessionId: string): BusEvent | LaterEvent | undefined {
  return checkBusEvent(parseJson(text), sessionId)
}

/** The same for an event that is no text any more. */
export function checkBusEvent(
  value: unknown,
  sessionId: string,
): BusEvent | LaterEvent | undefined {
  const told = parseEvent(WORKER_EVENTS, value)
  if (told === undefined || told === LATER_EVENT) return told
  return sessionIdOf(told) === sessionId ? told : undefined
}

type LiveEvent = BusEvent | EventOf<keyof typeof GATEWAY_EVENTS>

function sessionIdOf(event: LiveEvent): string {
  if (event.event === 'message:new') return event.payload.message.sessionId
  if (event.event === 'session:updated') return event.payload.session.id
  return event.payload.sessionId
}

/** Returns the rooms that may get an event. */
function roomsOf(event: LiveEvent): string[] {
  const room = sessionRoom(sessionIdOf(event))
  return event.event === 'session:updated' ? [room, userRoom(event.payload.session.userId)] : [room]
}

const eventSchema = z.object({ event: z.string(), payload: z.unknown().optional() })

/** Use the parsed form: these sockets may not be allowed to see a later version's field. */
function parseEvent<E extends ServerEvent>(
  events: Pick<typeof SERVER_EVENTS, E>,
  value: unknown,
): EventOf<E> | LaterEvent | undefined {
  const told = eventSchema.safeParse(value)
  if (!told.success) return undefined
  const { event, payload } = told.data
  if (!Object.hasOwn(SERVER_EVENTS, event)) return LATER_EVENT
  const schemas: Readonly<Record<string, z.ZodType>> = events
  // There is no schema for one of our events in the wrong place.
  const parsed = schemas[event]?.safeParse(payload)
  if (!parsed?.success) return undefined
  // The schema of the event's name made the payload, so the type is right.
  return { event, payload: parsed.data } as EventOf<E>
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
