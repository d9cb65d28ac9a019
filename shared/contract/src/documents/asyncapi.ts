import type { z } from 'zod'
import { CLIENT_EVENTS } from '../events/client-events.ts'
import { errorInfoSchema } from '../errors.ts'
import { refOf, toComponentSchemas, type JsonSchema } from './json-schemas.ts'
import { SERVER_EVENTS } from '../events/server-events.ts'

export interface AsyncApiDocument {
  asyncapi: '3.0.0'
  info: { title: string; version: string; description: string }
  channels: { socket: { address: string; messages: Record<string, AsyncApiRef> } }
  operations: Record<string, AsyncApiOperation>
  components: { schemas: Record<string, JsonSchema>; messages: Record<string, AsyncApiMessage> }
}

interface AsyncApiMessage {
  name: string
  summary: string
  payload: JsonSchema
}

interface AsyncApiRef {
  $ref: string
}

interface AsyncApiOperation {
  action: 'send' | 'receive'
  channel: AsyncApiRef
  messages: AsyncApiRef[]
  reply?: { channel: AsyncApiRef; messages: AsyncApiRef[] }
  /** The role that a client's token must have. */
  'x-who'?: string
}

/**
 * Describes the Socket.IO events as AsyncAPI 3.0 from the server's side: it receives a client's
 * events and sends its own. `pathPrefix` is the setting with that name, without a final slash.
 */
export function asyncApiDocument(options: { pathPrefix: string }): AsyncApiDocument {
  const payloads: Record<string, z.ZodType> = {}
  const messages: Record<string, AsyncApiMessage> = {}
  const operations: Record<string, AsyncApiOperation> = {}

  for (const [event, rule] of Object.entries(CLIENT_EVENTS)) {
    const id = toId(event)
    payloads[`${id}Payload`] = rule.payload
    payloads[`${id}Data`] = rule.data
    messages[id] = toMessage(event, 'An event of the client', { $ref: refOf(`${id}Payload`) })
    messages[`${id}Ack`] = toMessage(event, 'Its acknowledgement', toAck(`${id}Data`))
    operations[`receive${id}`] = {
      action: 'receive',
      channel: SOCKET,
      messages: [inChannel(id)],
      'x-who': rule.who,
      reply: { channel: SOCKET, messages: [inChannel(`${id}Ack`)] },
    }
  }
  for (const [event, payload] of Object.entries<z.ZodType>(SERVER_EVENTS)) {
    const id = `Server${toId(event)}`
    // `error` contains the entity itself, and a schema has only one name.
    const schema = payload === errorInfoSchema ? 'ErrorInfo' : `${id}Payload`
    payloads[schema] = payload
    messages[id] = toMessage(event, 'An event of the server', { $ref: refOf(schema) })
    operations[`send${id}`] = { action: 'send', channel: SOCKET, messages: [inChannel(id)] }
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'chatbox',
      version: '1',
      description: 'Socket.IO over websocket only; the handshake carries `auth: { token }`.',
    },
    channels: {
      socket: {
        address: `${options.pathPrefix}/socket.io`,
        messages: Object.fromEntries(
          Object.keys(messages).map((id) => [id, { $ref: `#/components/messages/${id}` }]),
        ),
      },
    },
    operations,
    components: { schemas: toComponentSchemas(payloads), messages },
  }
}

const SOCKET: AsyncApiRef = { $ref: '#/channels/socket' }

function inChannel(id: string): AsyncApiRef {
  return { $ref: `#/channels/socket/messages/${id}` }
}

function toMessage(name: string, summary: string, payload: JsonSchema): AsyncApiMessage {
  return { name, summary, payload }
}

function toAck(data: string): JsonSchema {
  const answer = (ok: boolean, key: string, schema: string): JsonSchema => ({
    type: 'object',
    properties: { ok: { const: ok }, [key]: { $ref: refOf(schema) } },
    required: ['ok', key],
  })
  return { oneOf: [answer(true, 'data', data), answer(false, 'error', 'ErrorInfo')] }
}

/**
 * Turns `message:send` into `MessageSend`, because an event's name is not a valid component name.
 */
function toId(event: string): string {
  return event
    .split(':')
    .map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`)
    .join('')
}
