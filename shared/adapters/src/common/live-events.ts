import {
  deskRoom,
  GATEWAY_EVENTS,
  SERVER_EVENTS,
  operatorRoom,
  sessionRoom,
  userRoom,
  WORKER_EVENTS,
  type BusEvent,
  type EventOf,
  type ServerEvent,
  type ServerPayload,
} from '@chatbox/contract'
import { z } from 'zod'

/** Replaces an event of a later version that this version does not know. It is ignored. */
export const LATER_EVENT = 'later'
type LaterEvent = typeof LATER_EVENT

/** Socket.IO's packet type for an event. */
const EVENT = 2
const NAMESPACE = '/'
const MAX_ROOMS = 10
/** The sockets to exclude, such as the event's sender. */
const MAX_EXCEPT = 10

interface Packet {
  type: typeof EVENT
  data: [event: string, payload: unknown]
  nsp: typeof NAMESPACE
}
interface BroadcastOptions {
  rooms: string[]
  except: string[]
  flags: { volatile?: boolean; broadcast?: boolean }
}
export type Broadcast = [publisher: string, packet: Packet, options: BroadcastOptions]

/**
 * Parses a broadcast of another gateway. Returns undefined for anything that our gateways do not
 * send, such as an event of one session to the room of another. The envelope is checked by hand and
 * not by a schema, because that would cost more than opening the seal, for every event.
 */
export function parseBroadcast(text: string): Broadcast | LaterEvent | undefined {
  const value = parseJson(text)
  if (!isBroadcast(value)) return undefined
  const [publisher, packet, options] = value
  const [event, payload] = packet.data
  const told = parseEvent(GATEWAY_EVENTS, { event, payload })
  if (told === undefined || told === LATER_EVENT) return told
  const allowed = roomsOf(told)
  if (!options.rooms.every((room) => allowed.includes(room))) return undefined
  const { rooms, except, flags } = options
  return [
    publisher,
    { type: EVENT, data: [told.event, told.payload], nsp: NAMESPACE },
    { rooms, except, flags: toKnownFlags(flags) },
  ]
}

function isBroadcast(value: unknown): value is Broadcast {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [publisher, packet, options] = value as [unknown, unknown, unknown]
  return typeof publisher === 'string' && isPacket(packet) && isOptions(options)
}

function isPacket(value: unknown): value is Packet {
  if (!isRecord(value) || value.type !== EVENT || value.nsp !== NAMESPACE) return false
  const { data } = value
  return Array.isArray(data) && data.length === 2 && typeof data[0] === 'string'
}

function isOptions(value: unknown): value is BroadcastOptions {
  if (!isRecord(value) || !isRecord(value.flags)) return false
  const { rooms, except } = value
  // An event without a room would go to everybody.
  return isNames(rooms, MAX_ROOMS) && rooms.length > 0 && isNames(except, MAX_EXCEPT)
}

function isNames(value: unknown, most: number): value is string[] {
  return (
    Array.isArray(value) && value.length <= most && value.every((name) => typeof name === 'string')
  )
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** Only the flags of our gateways: another, such as `local`, would change where an event goes. */
function toKnownFlags({
  volatile,
  broadcast,
}: BroadcastOptions['flags']): BroadcastOptions['flags'] {
  const known: BroadcastOptions['flags'] = {}
  if (volatile === true) known.volatile = true
  if (broadcast === true) known.broadcast = true
  return known
}

/**
 * Parses an event from the channel of `sessionId`. Returns undefined for an event of another
 * session or an invalid one.
 */
export function parseBusEvent(text: string, sessionId: string): BusEvent | LaterEvent | undefined {
  const told = parseEvent(WORKER_EVENTS, parseJson(text))
  if (told === undefined || told === LATER_EVENT) return told
  return sessionIdOf(told) === sessionId ? told : undefined
}

type LiveEvent = BusEvent | EventOf<keyof typeof GATEWAY_EVENTS>

function sessionIdOf(event: LiveEvent): string {
  if (event.event === 'message:new') return event.payload.message.sessionId
  if (event.event === 'session:updated') return event.payload.session.id
  if (event.event === 'desk:new') return event.payload.entry.sessionId
  return event.payload.sessionId
}

/** Returns the rooms that may get an event. */
function roomsOf(event: LiveEvent): string[] {
  // What operators write goes to no room that its user may be in.
  if (event.event === 'desk:new') return [deskRoom(event.payload.entry.sessionId)]
  const sessionId = sessionIdOf(event)
  const rooms = [sessionRoom(sessionId), operatorRoom(sessionId)]
  const isOfUser = event.event === 'session:updated'
  return isOfUser ? [...rooms, userRoom(event.payload.session.userId)] : rooms
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
  const shape = SIGNAL_SHAPES[event]
  if (shape && event in schemas && fits(payload, shape)) {
    return { event, payload } as EventOf<E>
  }
  // There is no schema for one of our events in the wrong place.
  const parsed = schemas[event]?.safeParse(payload)
  if (!parsed?.success) return undefined
  // The schema of the event's name made the payload, so the type is right.
  return { event, payload: parsed.data } as EventOf<E>
}

/** The types of a payload's fields. A list contains the values of a field. */
type ShapeOf<T> = string extends T
  ? 'string'
  : [T] extends [string]
    ? readonly T[]
    : T extends number
      ? 'number'
      : T extends boolean
        ? 'boolean'
        : { readonly [K in keyof T]-?: ShapeOf<T[K]> }
interface Shape {
  readonly [field: string]: string | readonly string[] | Shape
}

/**
 * The events that are sent most often and never stored. What has opened was sealed by one of our
 * processes, which checked it. It only has to be known that a later version added nothing, and a
 * schema takes ten times as long to say so. What has another shape is left to the schema.
 */
const SIGNAL_SHAPES: Readonly<Record<string, Shape | undefined>> = {
  typing: {
    sessionId: 'string',
    from: { type: ['user', 'admin'], id: 'string', name: 'string' },
    typing: 'boolean',
  } satisfies ShapeOf<ServerPayload<'typing'>>,
  'message:receipt': {
    sessionId: 'string',
    reader: { type: ['user', 'admin'], id: 'string' },
    seq: 'number',
  } satisfies ShapeOf<ServerPayload<'message:receipt'>>,
}

/** Returns true if the value has exactly these fields. */
function fits(value: unknown, shape: Shape): boolean {
  if (!isRecord(value)) return false
  let missing = Object.keys(shape).length
  for (const field of Object.keys(value)) {
    if (!Object.hasOwn(shape, field) || !isOf(value[field], shape[field])) return false
    missing--
  }
  return missing === 0
}

function isOf(value: unknown, kind: Shape[string] | undefined): boolean {
  if (typeof kind === 'string') return typeof value === kind
  if (Array.isArray(kind)) return kind.includes(value)
  return fits(value, kind as Shape)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
