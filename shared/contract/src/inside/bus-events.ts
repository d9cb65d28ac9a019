import { z } from 'zod'
import { messageSchema, sessionSchema } from '../entities.ts'
import { replyDeltaSchema, replyStartSchema, SERVER_EVENTS } from '../events/server-events.ts'

/**
 * What a worker tells the gateways about one session. Each is forwarded as the server event of the
 * same name, so a viewer cannot tell which process wrote it.
 */
export const busEventSchema = z.discriminatedUnion('event', [
  z.object({ event: z.literal('reply:start'), payload: replyStartSchema }),
  z.object({ event: z.literal('reply:delta'), payload: replyDeltaSchema }),
  z.object({
    event: z.literal('message:new'),
    payload: z.object({ message: messageSchema }),
  }),
  z.object({
    event: z.literal('session:updated'),
    payload: z.object({ session: sessionSchema }),
  }),
])
export type BusEvent = z.infer<typeof busEventSchema>

/**
 * What a gateway tells the viewers on the other gateways; every other server event is a gateway's own
 * to send, and is refused when it comes from elsewhere.
 */
export const GATEWAY_EVENTS = {
  'message:new': SERVER_EVENTS['message:new'],
  'session:updated': SERVER_EVENTS['session:updated'],
  typing: SERVER_EVENTS.typing,
  'message:receipt': SERVER_EVENTS['message:receipt'],
} as const
