import type { LlmRequest } from '@chatbox/core'
import { Remembered } from '../remembered.ts'
import type { Refusal } from '../protocols/protocol.ts'
import { withoutQuotes } from './without-quotes.ts'

/** A server that was replaced, or taught to understand more, is asked in the usual form again. */
const LEARNED_FOR_MS = 60 * 60 * 1000

/**
 * 500 is among them because llama.cpp answers with it when a model's template refuses a role. Any
 * other status is about something else than the form of the question.
 */
const ABOUT_THE_FORM: ReadonlySet<number> = new Set([400, 422, 500])

/** For each trait of a dialect: whether a refusal with this text asks for it. */
type TraitTests<T extends string> = Readonly<Record<T, (refusal: string) => boolean>>

/** What a refusal is an answer to. */
export interface Refused {
  request: Pick<LlmRequest, 'messages'>
  /** The traits that the call heeded. */
  heeded: ReadonlySet<string> | undefined
}

/**
 * The dialect of one model at one endpoint, learned from its refusals and kept for an hour. Many
 * servers speak a protocol more or less, and none says beforehand what it refuses.
 */
export class Dialect<T extends string> {
  readonly #tests: [T, (refusal: string) => boolean][]
  readonly #traits: Remembered<T, true>

  constructor(tests: TraitTests<T>, now?: () => number) {
    this.#tests = Object.entries(tests) as [T, (refusal: string) => boolean][]
    const max = this.#tests.length
    this.#traits = new Remembered({ max, forMs: LEARNED_FOR_MS, ...(now ? { now } : {}) })
  }

  /** Returns the traits that a call has to heed now. */
  traits(): ReadonlySet<T> {
    const known = this.#tests.map(([trait]) => trait)
    return new Set(known.filter((trait) => this.#traits.get(trait)))
  }

  /**
   * Returns whether the refusal asks for another form of the call. A trait that the call heeded and
   * that is refused all the same was learned wrongly, and is forgotten. A trait that another
   * question has taught in the meantime keeps its time. What the refusal quotes of the conversation
   * says nothing, or a visitor could teach every other call a form. The system prompt is left in:
   * the operator wrote it.
   */
  learn({ status, text }: Pick<Refusal, 'status' | 'text'>, { request, heeded }: Refused): boolean {
    if (!ABOUT_THE_FORM.has(status) || this.#findAsked(text).length === 0) return false
    const texts = request.messages.map(({ content }) => content)
    const asked = this.#findAsked(withoutQuotes(text, texts))
    for (const trait of asked) {
      if (heeded?.has(trait)) this.#traits.delete(trait)
      else if (!this.#traits.get(trait)) this.#traits.set(trait, true)
    }
    return asked.length > 0
  }

  #findAsked(refusal: string): T[] {
    return this.#tests.filter(([, test]) => test(refusal)).map(([trait]) => trait)
  }
}

/**
 * How servers say that they refuse the role `system` (or `developer`). A chat template without a
 * place for it often complains about the order instead, because every other order that is sent
 * alternates.
 */
const SYSTEM_REFUSED: readonly RegExp[] = [
  // OpenAI: 'messages[0].role' does not support 'system' with this model.
  /\b(does|do|is|are|can)(n't|not| not) support(ed|ing)?\b[^.]{0,40}\b(system|developer)\b/i,
  // Gemma: System role not supported. Google: Developer instruction is not enabled for models/…
  /\b(system|developer)\b\W{0,3}(role|message|prompt|instruction)?s?\W[^.]{0,30}\bnot (yet |currently )?(supported|allowed|permitted|enabled|accepted|one of)\b/i,
  /\b(unsupported|invalid|unknown|unexpected|unrecognized)( message| chat)? role\b[^.]{0,20}\b(system|developer)\b/i,
  // Llama 2 and Mistral: Only user and assistant roles are supported!
  /\bonly user\b[^.]{0,30}\broles? (are|is) supported/i,
  // Mistral and Gemma: Conversation roles must alternate user/assistant/user/assistant/...
  /\broles must alternate\b/i,
  /\b(must|should) (start|begin) with (a |the )?\W{0,2}user\b/i,
  // FastAPI: "loc":["body","messages",0,"role"],"msg":"Input should be 'user' or 'assistant'"
  /input should be \W{0,2}(user|assistant)\W{1,3}or \W{0,2}(user|assistant)\b/i,
  // Anthropic's form of an unknown field: system: Extra inputs are not permitted
  /\bsystem\b\W{1,4}extra inputs/i,
]

/** Returns whether a refusal is about the system prompt's role or field. */
export function refusesSystem(refusal: string): boolean {
  return SYSTEM_REFUSED.some((pattern) => pattern.test(refusal))
}
