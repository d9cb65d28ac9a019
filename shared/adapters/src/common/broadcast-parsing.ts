import { GATEWAY_EVENTS } from '@chatbox/contract'
import { z } from 'zod'
import { isLaterEvent, LATER_EVENT } from './later-event.ts'

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

const PAYLOADS = new Map<string, z.ZodType>(Object.entries(GATEWAY_EVENTS))

/** What a gateway broadcast to the others; undefined for anything that none of ours sends. */
export function parseBroadcast(text: string): Broadcast | typeof LATER_EVENT | undefined {
  const parsed = broadcastSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const [publisher, packet, options] = parsed.data
  const [event, payload] = packet.data
  if (isLaterEvent(event)) return LATER_EVENT
  const known = PAYLOADS.get(event)?.safeParse(payload)
  if (!known?.success) return undefined
  // As parsed: a field of a later version may not be for the sockets that this goes to.
  return [publisher, { ...packet, data: [event, known.data] }, options]
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
