/** The wire forms of the three model protocols, written down here a second time: no code is shared with the providers. */
export type Protocol = 'openai' | 'anthropic' | 'dify'

export interface WireEvent {
  event?: string
  data?: string
}

export interface WireReply {
  pieces: readonly string[]
  usage?: { prompt: number; completion: number }
  conversationId?: string
  taskId?: string
}

export interface Wire {
  /** Where the server is asked, below its address. */
  path: string
  /** Everything a good server sends for one reply. */
  events(reply: WireReply): WireEvent[]
  /** How many of the last events say that the reply is whole. */
  terminators: number
  /** An error stated within the stream. */
  error(retryable: boolean): WireEvent
}

const openai: Wire = {
  path: '/v1/chat/completions',
  terminators: 2,
  events: ({ pieces, usage }) => [
    openaiEvent({ role: 'assistant', content: '' }),
    ...pieces.map((content) => openaiEvent({ content })),
    ...(usage
      ? [{ data: JSON.stringify({ ...OPENAI_HEAD, choices: [], usage: openaiUsage(usage) }) }]
      : []),
    openaiEvent({}, 'stop'),
    { data: '[DONE]' },
  ],
  error: (retryable) => ({
    data: JSON.stringify({
      error: { message: 'no', type: retryable ? 'server_error' : 'invalid_request_error' },
    }),
  }),
}

const anthropic: Wire = {
  path: '/v1/messages',
  terminators: 1,
  events: ({ pieces, usage }) => [
    anthropicEvent('message_start', {
      message: {
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        content: [],
        usage: { input_tokens: usage?.prompt ?? 1, output_tokens: 1 },
      },
    }),
    anthropicEvent('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    anthropicEvent('ping', {}),
    ...pieces.map((text) =>
      anthropicEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    ),
    anthropicEvent('content_block_stop', { index: 0 }),
    anthropicEvent('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { output_tokens: usage?.completion ?? 1 },
    }),
    anthropicEvent('message_stop', {}),
  ],
  error: (retryable) =>
    anthropicEvent('error', {
      error: { type: retryable ? 'overloaded_error' : 'invalid_request_error', message: 'no' },
    }),
}

const dify: Wire = {
  path: '/v1/chat-messages',
  terminators: 1,
  events: (reply) => [
    difyEvent('workflow_started', reply, { data: { id: 'run' } }),
    { event: 'ping' },
    ...reply.pieces.map((answer) => difyEvent('message', reply, { answer })),
    difyEvent('message_end', reply, {
      metadata: reply.usage
        ? {
            usage: {
              prompt_tokens: reply.usage.prompt,
              completion_tokens: reply.usage.completion,
              total_tokens: reply.usage.prompt + reply.usage.completion,
            },
          }
        : {},
    }),
  ],
  error: (retryable) =>
    difyEvent(
      'error',
      { pieces: [] },
      { status: retryable ? 503 : 400, code: 'completion_request_error', message: 'no' },
    ),
}

export const WIRES: Record<Protocol, Wire> = { openai, anthropic, dify }

export interface Encoding {
  newline?: '\n' | '\r' | '\r\n'
  bom?: boolean
}

/** Events as the bytes of an event stream. */
export function encodeEvents(events: readonly WireEvent[], encoding: Encoding = {}): Buffer {
  const newline = encoding.newline ?? '\n'
  const lines = events.flatMap(({ event, data }) => [
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(data === undefined ? [] : [`data: ${data}`]),
    '',
  ])
  const head = encoding.bom ? '\uFEFF' : ''
  return Buffer.from(head + lines.map((line) => line + newline).join(''))
}

const OPENAI_HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }

function openaiEvent(delta: object, finish: string | null = null): WireEvent {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return { data: JSON.stringify({ ...OPENAI_HEAD, choices }) }
}

function openaiUsage(usage: { prompt: number; completion: number }): object {
  return {
    prompt_tokens: usage.prompt,
    completion_tokens: usage.completion,
    total_tokens: usage.prompt + usage.completion,
  }
}

function anthropicEvent(type: string, fields: object): WireEvent {
  return { event: type, data: JSON.stringify({ type, ...fields }) }
}

function difyEvent(event: string, reply: WireReply, fields: object): WireEvent {
  return {
    data: JSON.stringify({
      event,
      task_id: reply.taskId ?? 'task-1',
      message_id: 'message-1',
      conversation_id: reply.conversationId ?? 'conversation-1',
      ...fields,
    }),
  }
}
