import type { Refusal } from '../protocols/protocol.ts'

/**
 * How much of a text is searched, in characters. An error that is stated in a stream may be as long
 * as an event, and may quote the question, so that it is full of near matches.
 */
const READ_LENGTH = 64 * 1024

/** How servers say that a question is longer than the model's window. */
const TOO_LONG: readonly RegExp[] = [
  // OpenAI, Azure: context_length_exceeded; MiniMax: context window exceeds limit; LM Studio
  /context[ _]?(length|window|size)\b[^.]{0,20}exceed/i,
  /context[ _]length[ _]exceeded/i,
  // llama.cpp: exceed_context_size_error, exceeds the available context size; Ollama; OpenAI
  /exceed[^.]{0,60}context[ _]?(length|window|size|limit)/i,
  // vLLM, Mistral, DeepSeek, OpenRouter: maximum context length; xAI: maximum prompt length
  /\bmax(imum)? (context|prompt|model|input) length\b/i,
  // Anthropic: prompt is too long; Bedrock: Input is too long; Dify: Query or prefix prompt is too long
  /\b(prompt|input|query|question|conversation|messages?)\b[^.]{0,20}\btoo (long|large)\b/i,
  // Anthropic (413): request_too_large; Groq: Request too large for model
  /\brequest[ _]too[ _]large\b/i,
  // SGLang: is longer than the model's context length; LM Studio: greater than the context length
  /\b(longer|greater|larger) than the (model|maximum|context)/i,
  /\breduce the length of (the|your) (messages|prompt|input)/i,
  // Google: The input token count (9) exceeds the maximum; Copilot: prompt token count of 9 exceeds
  /\b(input|prompt) token count\b[^.]{0,40}\bexceeds/i,
  // Moonshot: exceeded model token limit; Cohere: too many tokens
  /\bexceeded model token limit\b|\btoken limit exceeded\b|\btoo many( input)? tokens\b/i,
  // Text Generation Inference: `inputs` tokens + `max_new_tokens` must be <= 4096
  /\binputs\b\W[^.]{0,40}\bmust (be <=|have less than)/i,
  // Qwen: Range of input length should be [1, 30720]
  /\brange of input length should be\b/i,
]

/** Such texts count tokens a minute, not in the question. */
const RATE = /rate.?limit|per minute|\bTPM\b|please wait/i
/** A question above the limit of a whole minute passes at no time. */
const ABOVE_THE_RATE = /\brequest too large\b/i

const ABOUT_LENGTH: ReadonlySet<number> = new Set([400, 413, 422, 429, 500])

/** Returns whether a refusal says that the question is too long for the model. */
export function isTooLong({ status, text }: Pick<Refusal, 'status' | 'text'>): boolean {
  return status === 413 || (ABOUT_LENGTH.has(status) && saysTooLong(text))
}

/** Returns whether an error that a provider states says that the question is too long. */
export function saysTooLong(text: string): boolean {
  const beginning = text.slice(0, READ_LENGTH)
  if (RATE.test(beginning)) return ABOVE_THE_RATE.test(beginning)
  return TOO_LONG.some((pattern) => pattern.test(beginning))
}

/** How servers say that their rules forbid something in a question or its history. */
const FORBIDDEN: readonly RegExp[] = [
  // Azure: content_filter, ResponsibleAIPolicyViolation, content management policy
  /\bcontent[ _](filter|management policy|policy)|ResponsibleAIPolicy/i,
  // OpenAI: invalid_prompt, flagged as potentially violating; OpenRouter: input was flagged
  /\binvalid_prompt\b|\bflagged\b/i,
  // Qwen: data_inspection_failed, inappropriate content; DeepSeek: Content Exists Risk; Google
  /\bdata_?inspection_?failed\b|\binappropriate content\b|\bcontent exists risk\b|\bprohibited_content\b/i,
]

const ABOUT_CONTENT: ReadonlySet<number> = new Set([400, 403, 422])

/** Returns whether a refusal is about what the input says, which may be in the history. */
export function isForbidden({ status, text }: Pick<Refusal, 'status' | 'text'>): boolean {
  return ABOUT_CONTENT.has(status) && saysForbidden(text)
}

/** Returns whether an error that a provider states is about what the input says. */
export function saysForbidden(text: string): boolean {
  const beginning = text.slice(0, READ_LENGTH)
  return FORBIDDEN.some((pattern) => pattern.test(beginning))
}
