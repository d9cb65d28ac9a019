import type { ProviderSettings } from '@chatbox/kit'
import { z } from 'zod'
import { toChatMessages } from './chat-messages.ts'
import { Dialect, refusesSystem } from './dialect.ts'
import {
  toCallUrl,
  toUsageChunk,
  type Protocol,
  type ReaderChunk,
  type ReplyReader,
} from './protocol.ts'
import { parseEvent, toLimitError, toStatedError } from '../transport/provider-error.ts'

const DEFAULT_ENDPOINT = 'https://api.anthropic.com'
const API_VERSION = '2023-06-01'

/** Anthropic's Messages API. */
export function createAnthropicProtocol(provider: ProviderSettings): Protocol {
  const url = toCallUrl(provider.endpoint ?? DEFAULT_ENDPOINT, '/v1/messages')
  // Some servers with this API run models whose chat template has no place for a system prompt.
  const dialect = new Dialect({ 'system-in-question': refusesSystem })
  return {
    toCall: ({ system, messages, requestId }) => ({
      url,
      headers: {
        'x-request-id': requestId,
        'anthropic-version': API_VERSION,
        ...(provider.apiKey ? { 'x-api-key': provider.apiKey } : {}),
      },
      body: {
        model: provider.model,
        max_tokens: provider.maxTokens,
        ...(dialect.has('system-in-question')
          ? { messages: toChatMessages({ system, messages }, 'question') }
          : { ...(system ? { system } : {}), messages: toChatMessages({ system: '', messages }) }),
        stream: true,
      },
    }),
    createReader: createAnthropicReader,
    onRefused: (refusal, request) => (dialect.learn(refusal) ? request : undefined),
  }
}

const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('message_start'),
    message: z.object({
      usage: z.object({
        input_tokens: z.int(),
        cache_creation_input_tokens: z.int().nullish(),
        cache_read_input_tokens: z.int().nullish(),
      }),
    }),
  }),
  z.object({
    type: z.literal('content_block_delta'),
    delta: z.object({ type: z.string(), text: z.string().optional() }),
  }),
  z.object({
    type: z.literal('message_delta'),
    delta: z.object({ stop_reason: z.string().nullish() }),
    usage: z.object({ output_tokens: z.int() }),
  }),
  z.object({ type: z.literal('message_stop') }),
  z.object({
    type: z.literal('error'),
    error: z.object({ type: z.string(), message: z.string().optional() }),
  }),
])
type AnthropicEvent = z.infer<typeof eventSchema>

const kindSchema = z.object({ type: z.string() })
/** All other events are skipped, because the API may add kinds without a new version. */
const READ: ReadonlySet<string> = new Set(
  eventSchema.options.map((option) => option.shape.type.value),
)

/** Stop reasons for a reply that was cut on purpose. */
const LIMITED: ReadonlySet<string> = new Set([
  'max_tokens',
  'refusal',
  'model_context_window_exceeded',
])
/** Passing errors. All others would occur again with the same question. */
const PASSING: ReadonlySet<string> = new Set([
  'api_error',
  'overloaded_error',
  'rate_limit_error',
  'timeout_error',
])

function createAnthropicReader(): ReplyReader {
  let promptTokens = 0
  let stopReason: string | undefined

  function onEvent(event: AnthropicEvent): ReaderChunk[] {
    switch (event.type) {
      case 'message_start': {
        const { usage } = event.message
        promptTokens =
          usage.input_tokens +
          (usage.cache_creation_input_tokens ?? 0) +
          (usage.cache_read_input_tokens ?? 0)
        return []
      }
      case 'content_block_delta':
        if (event.delta.type !== 'text_delta') return [{ type: 'thinking' }]
        return event.delta.text ? [{ type: 'text', text: event.delta.text }] : []
      case 'message_delta':
        stopReason = event.delta.stop_reason ?? stopReason
        return [toUsageChunk(promptTokens, event.usage.output_tokens)]
      case 'message_stop':
        return stopReason && LIMITED.has(stopReason)
          ? [{ type: 'failure', error: toLimitError(`stop reason ${stopReason}`) }]
          : [{ type: 'end' }]
      case 'error':
        throw toStatedError(JSON.stringify(event.error), PASSING.has(event.error.type))
    }
  }

  return {
    read: (data) =>
      READ.has(parseEvent(kindSchema, data).type) ? onEvent(parseEvent(eventSchema, data)) : [],
  }
}
