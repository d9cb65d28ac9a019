import { GATEWAY_EVENTS } from '@chatbox/contract'
import { z } from 'zod'

/** Socket.IO's type of a packet that is an event. */
const EVENT = 2
/** A room name holds at most a user's id. */
const nameSchema = z.string().min(1).max(300)
const MAX_ROOMS = 10
/** Sockets that an event is not for: the one that caused it. */
const MAX_EXCEPT = 10

const broadcastSchema = z.tuple([
  z.string().max(64),
  z.strictObject({
    type: z.literal(EVENT),
    data: z.tuple([z.enum(Object.keys(GATEWAY_EVENTS)), z.unknown()]),
    nsp: z.literal('/'),
  }),
  z.strictObject({
    // Without a room it would be for everybody.
    rooms: z.array(nameSchema).min(1).max(MAX_ROOMS),
    except: z.array(nameSchema).max(MAX_EXCEPT),
    flags: z.strictObject({ volatile: z.boolean().optional(), broadcast: z.boolean().optional() }),
  }),
])
export type Broadcast = z.infer<typeof broadcastSchema>

const PAYLOADS = new Map<string, z.ZodType>(Object.entries(GATEWAY_EVENTS))

/** What a gateway broadcast to the others; undefined for anything that none of ours sends. */
export function parseBroadcast(text: string): Broadcast | undefined {
  const parsed = broadcastSchema.safeParse(parseJson(text))
  if (!parsed.success) return undefined
  const [event, payload] = parsed.data[1].data
  return isPayloadOf(event, payload) ? parsed.data : undefined
}

function isPayloadOf(event: string, payload: unknown): boolean {
  return PAYLOADS.get(event)?.safeParse(payload).success ?? false
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
