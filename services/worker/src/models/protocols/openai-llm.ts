import type { ProviderSettings } from '@chatbox/kit'
import { z } from 'zod'
import { toChatMessages, type SystemPlace } from './chat-messages.ts'
import { Dialect, refusesSystem } from './dialect.ts'
import {
  toCallUrl,
  toUsageChunk,
  type Protocol,
  type ReaderChunk,
  type ReplyReader,
} from './protocol.ts'
import { parseEvent, toLimitError, toStatedError } from '../transport/provider-error.ts'

const DEFAULT_ENDPOINT = 'https://api.openai.com/v1'

type Trait = 'no-usage' | 'completion-limit' | 'developer' | 'system-in-question'

/**
 * Many servers use the protocol. Some reject `stream_options` or the role `system`, and newer models
 * expect their limit under another name. A limit is never left out, because replies cost money.
 */
const TRAITS: Record<Trait, (refusal: string) => boolean> = {
  'no-usage': (refusal) => /stream_options|include_usage/.test(refusal),
  'completion-limit': (refusal) => refusal.includes('max_completion_tokens'),
  developer: (refusal) => refusesSystem(refusal) && namesDeveloper(refusal),
  'system-in-question': (refusal) => refusesSystem(refusal) && !namesDeveloper(refusal),
}

/** Returns whether a refusal of `system` names `developer` as the role to use. */
function namesDeveloper(refusal: string): boolean {
  return /\bsystem\b/i.test(refusal) && /\bdeveloper\b/i.test(refusal)
}

/** Chat Completions of OpenAI and compatible servers. */
export function createOpenAiProtocol(provider: ProviderSettings): Protocol {
  const url = toCallUrl(provider.endpoint ?? DEFAULT_ENDPOINT, '/chat/completions')
  const dialect = new Dialect(TRAITS)
  return {
    toCall: (request) => ({
      url,
      headers: {
        'x-request-id': request.requestId,
        ...(provider.apiKey ? { authorization: `Bearer ${provider.apiKey}` } : {}),
      },
      body: {
        model: provider.model,
        messages: toChatMessages(request, toSystemPlace(dialect)),
        stream: true,
        ...(dialect.has('no-usage') ? {} : { stream_options: { include_usage: true } }),
        [dialect.has('completion-limit') ? 'max_completion_tokens' : 'max_tokens']:
          provider.maxTokens,
      },
    }),
    createReader: createOpenAiReader,
    onRefused: (refusal, request) => (dialect.learn(refusal) ? request : undefined),
  }
}

function toSystemPlace(dialect: Dialect<Trait>): SystemPlace {
  if (dialect.has('system-in-question')) return 'question'
  return dialect.has('developer') ? 'developer' : 'system'
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
