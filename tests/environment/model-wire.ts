/**
 * The wire forms of the three model protocols. They are written here a second time and share no
 * code with the providers.
 */
export type Protocol = 'openai' | 'anthropic' | 'dify'

export interface WireEvent {
  event?: string
  data?: string
}

/** Everything about a reply except its text. */
export interface ReplyFrame {
  usage?: { prompt: number; completion: number }
  conversationId?: string
  taskId?: string
}

export interface WireReply extends ReplyFrame {
  pieces: readonly string[]
}

interface Form {
  /** The path of the server's endpoint. */
  path: string
  /** The events before the text. */
  opening(frame: ReplyFrame): WireEvent[]
  piece(text: string, frame: ReplyFrame): WireEvent
  /** The events after the text, the terminators last. */
  closing(frame: ReplyFrame): WireEvent[]
  /** How many of the last events say that the reply is complete. */
  terminators: number
  /** An error inside the stream. */
  error(retryable: boolean): WireEvent
  /** An event of a known kind with wrong fields. */
  wrongTypes: object
  /** An event of an unknown kind. */
  unknown: object
  /** An event that only keeps the connection alive. */
  keepAlive: string
}

export interface Wire extends Form {
  /** All events that a correct server sends for one reply. */
  events(reply: WireReply): WireEvent[]
}

const openai: Form = {
  path: '/v1/chat/completions',
  terminators: 2,
  opening: () => [openaiEvent({ role: 'assistant', content: '' })],
  piece: (content) => openaiEvent({ content }),
  closing: ({ usage }) => [
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
  wrongTypes: { choices: [{ delta: { content: 7 } }] },
  unknown: { type: 'novelty' },
  keepAlive: ': keep-alive\n\n',
}

const anthropic: Form = {
  path: '/v1/messages',
  terminators: 2,
  opening: ({ usage }) => [
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
  ],
  piece: (text) =>
    anthropicEvent('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  closing: ({ usage }) => [
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
  wrongTypes: { type: 'content_block_delta', delta: 'x' },
  unknown: { type: 'novelty' },
  keepAlive: 'event: ping\ndata: {"type":"ping"}\n\n',
}

const dify: Form = {
  path: '/v1/chat-messages',
  terminators: 1,
  opening: (frame) => [
    difyEvent('workflow_started', frame, { data: { id: 'run' } }),
    { event: 'ping' },
  ],
  piece: (answer, frame) => difyEvent('message', frame, { answer }),
  closing: (frame) => [
    difyEvent('message_end', frame, {
      metadata: frame.usage ? { usage: openaiUsage(frame.usage) } : {},
    }),
  ],
  error: (retryable) =>
    difyEvent(
      'error',
      {},
      { status: retryable ? 503 : 400, code: 'completion_request_error', message: 'no' },
    ),
  wrongTypes: { event: 'message', answer: 7 },
  unknown: { event: 'novelty' },
  keepAlive: 'event: ping\n\n',
}

export const WIRES: Record<Protocol, Wire> = {
  openai: withEvents(openai),
  anthropic: withEvents(anthropic),
  dify: withEvents(dify),
}

/** Returns the protocol of this path, or undefined. */
export function protocolOf(path: string): Protocol | undefined {
  if (path.endsWith('/chat/completions')) return 'openai'
  if (path.endsWith('/messages')) return 'anthropic'
  return path.endsWith('/chat-messages') ? 'dify' : undefined
}

export interface Encoding {
  newline?: '\n' | '\r' | '\r\n'
  bom?: boolean
}

/** Encodes events as an event stream. */
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

function withEvents(form: Form): Wire {
  return {
    ...form,
    events: ({ pieces, ...frame }) => [
      ...form.opening(frame),
      ...pieces.map((text) => form.piece(text, frame)),
      ...form.closing(frame),
    ],
  }
}

const OPENAI_HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }

function openaiEvent(delta: object, finish: string | null = null): WireEvent {
  const choices = [{ index: 0, delta, finish_reason: finish }]
  return { data: JSON.stringify({ ...OPENAI_HEAD, choices }) }
}

function openaiUsage({ prompt, completion }: NonNullable<ReplyFrame['usage']>): object {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  }
}

function anthropicEvent(type: string, fields: object): WireEvent {
  return { event: type, data: JSON.stringify({ type, ...fields }) }
}

function difyEvent(event: string, frame: ReplyFrame, fields: object): WireEvent {
  return {
    data: JSON.stringify({
      event,
      task_id: frame.taskId ?? 'task-1',
      message_id: 'message-1',
      conversation_id: frame.conversationId ?? 'conversation-1',
      ...fields,
    }),
  }
}
