import type { LlmError } from '@chatbox/core'
import { toLimitError, toStatedError } from '../transport/provider-error.ts'

/**
 * The words of providers for the end of a reply. The lists are closed: a word on none of them does
 * not make a reply complete. Sources: the API references of OpenAI, Anthropic, Mistral
 * (`model_length`, `error`), DeepSeek (`insufficient_system_resource`), OpenRouter (`error`) and
 * Cohere (`complete`), and the code of vLLM (`abort`) and text-generation-inference (`eos_token`).
 */
const GOOD: ReadonlySet<string> = new Set([
  'stop',
  'end_turn',
  'stop_sequence',
  'eos',
  'eos_token',
  'complete',
])

/** The same question would end in the same way: a limit, a filter, or a tool that is not there. */
const LIMITED: ReadonlySet<string> = new Set([
  'length',
  'max_tokens',
  'max_output_tokens',
  'model_length',
  'model_context_window_exceeded',
  'content_filter',
  'content_filtered',
  'refusal',
  'safety',
  'recitation',
  'tool_calls',
  'tool_use',
  'function_call',
  'pause_turn',
  'paused',
  'stopped',
])

/** The provider failed in the middle, and may not fail again. */
const BROKEN: ReadonlySet<string> = new Set([
  'error',
  'abort',
  'aborted',
  'cancelled',
  'canceled',
  'timeout',
  'insufficient_system_resource',
])

/** Returns undefined for a good ending, and otherwise why the reply is not complete. */
export function judgeEnding(reason: unknown): LlmError | undefined {
  const word = typeof reason === 'string' ? reason.toLowerCase() : ''
  if (GOOD.has(word)) return undefined
  if (LIMITED.has(word)) return toLimitError(`ended by ${word}`)
  if (BROKEN.has(word)) return toStatedError({ code: word, retryable: true })
  return toLimitError('ended for a reason that is not known', JSON.stringify(reason))
}
