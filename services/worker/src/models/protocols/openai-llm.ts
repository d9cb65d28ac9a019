import type { ProviderSettings } from '@chatbox/kit'
import { z } from 'zod'
import {
  toCallUrl,
  toUsageChunk,
  type Protocol,
  type ReaderChunk,
  type ReplyReader,
} from './protocol.ts'
import { parseEvent, toLimitError, toStatedError } from '../transport/provider-error.ts'

const DEFAULT_ENDPOINT = 'https://api.openai.com/v1'

/**
 * The dialect of an endpoint, learned from its refusals. Many servers use the protocol: some reject
 * `stream_options`, and newer models expect their limit under another name.
 */
interface Dialect {
  reportsUsage: boolean
  limitField: 'max_tokens' | 'max_completion_tokens'
}

/** Chat Completions of OpenAI and compatible servers. */
export function createOpenAiProtocol(provider: ProviderSettings): Protocol {
  const url = toCallUrl(provider.endpoint ?? DEFAULT_ENDPOINT, '/chat/completions')
  const dialect: Dialect = { reportsUsage: true, limitField: 'max_tokens' }
  return {
    toCall: ({ system, messages, requestId }) => ({
      url,
      headers: {
        'x-request-id': requestId,
        ...(provider.apiKey ? { authorization: `Bearer ${provider.apiKey}` } : {}),
      },
      body: {
        model: provider.model,
        messages: [...(system ? [{ role: 'system', content: system }] : []), ...messages],
        stream: true,
        ...(dialect.reportsUsage ? { stream_options: { include_usage: true } } : {}),
        [dialect.limitField]: provider.maxTokens,
      },
    }),
    createReader: createOpenAiReader,
    onRefused: ({ status, text }, request) => {
      if (status !== 400 && status !== 422) return undefined
      return learn(dialect, text) ? request : undefined
    },
  }
}

function learn(dialect: Dialect, refusal: string): boolean {
  if (dialect.reportsUsage && /stream_options|include_usage/.test(refusal)) {
    dialect.reportsUsage = false
    return true
  }
  if (dialect.limitField === 'max_tokens' && refusal.includes('max_completion_tokens')) {
    dialect.limitField = 'max_completion_tokens'
    return true
  }
  return false
}

const deltaSchema = z
  .object({
    content: z.string().nullish(),
    refusal: z.string().nullish(),
    reasoning_content: z.string().nullish(),
    reasoning: z.string().nullish(),
  })
  .nullish()
type Delta = z.infer<typeof deltaSchema>

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        index: z.number().default(0),
        delta: deltaSchema,
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }).nullish(),
  error: z.union([z.string(), z.object({ type: z.string().nullish() }).loose()]).nullish(),
})
type Chunk = z.infer<typeof chunkSchema>

/** Finish reasons for a reply that was cut on purpose. */
const LIMITED: ReadonlySet<string> = new Set(['length', 'content_filter'])
/** Errors that would occur again with the same question. */
const FINAL_ERROR = /invalid_request|authentication|permission|not_found|insufficient_quota/

function createOpenAiReader(): ReplyReader {
  let finishReason: string | undefined
  let usage: Chunk['usage']
  const finish = (): ReaderChunk[] => [
    ...(usage ? [toUsageChunk(usage.prompt_tokens, usage.completion_tokens)] : []),
    finishReason && LIMITED.has(finishReason)
      ? { type: 'failure', error: toLimitError(`finish reason ${finishReason}`) }
      : { type: 'end' },
  ]
  return {
    read: (data) => {
      if (data === '[DONE]') return finish()
      const chunk = parseEvent(chunkSchema, data)
      if (chunk.error) throw toChunkError(chunk.error)
      usage = chunk.usage ?? usage
      const choice = chunk.choices?.find(({ index }) => index === 0)
      finishReason = choice?.finish_reason ?? finishReason
      return readDelta(choice?.delta)
    },
    // Some endpoints do not send `[DONE]`; a finish reason is enough.
    finish: () => (finishReason ? finish() : []),
  }
}

/** Reads a delta. Any field may be present but empty. */
function readDelta(delta: Delta): ReaderChunk[] {
  const text = [delta?.content, delta?.refusal].find(Boolean)
  if (text) return [{ type: 'text', text }]
  return [delta?.reasoning_content, delta?.reasoning].some(Boolean) ? [{ type: 'thinking' }] : []
}

function toChunkError(error: NonNullable<Chunk['error']>): Error {
  const said = JSON.stringify(error)
  return toStatedError(said, !FINAL_ERROR.test(said))
}
