import { LlmError, weighTokens, type LlmChunk } from '@chatbox/core'
import type { StreamEvent } from '../transport/event-stream.ts'
import { toCutError, toNonsenseError, toStatedError } from '../transport/provider-error.ts'
import { findStatedError } from '../transport/stated-error.ts'
import { judgeEnding } from './endings.ts'
import { InBandReasoning, type Sorted } from './in-band-reasoning.ts'
import { isCutJson } from './is-cut-json.ts'
import { toCount, type Meaning, type MeaningReader } from './meaning.ts'

/**
 * `thinking` tells that the provider is working, with an estimate of what it wrote, and is not shown.
 * `failure` ends the reply after the other chunks of its event.
 */
export type ReplyChunk =
  LlmChunk | { type: 'thinking'; tokens: number } | { type: 'failure'; error: LlmError }

/**
 * Decides for every protocol what the events of one reply mean. A reply is complete if the provider
 * stated a good ending, or said that nothing follows and every event was understood. An error in any
 * form, another ending and a stream that just ends are failures. What the reply does not need may be
 * missing or odd.
 */
export class ReplyMeaning {
  readonly #reader: MeaningReader
  #reasoning = new InBandReasoning()
  #hasText = false
  #prompt: number | undefined
  #completion: number | undefined
  #ending: 'good' | LlmError | undefined
  #hasUnknown = false
  /** At least one event was of a known kind, so the stream is of the protocol. */
  #isKnown = false
  #isOver = false

  constructor(reader: MeaningReader) {
    this.#reader = reader
  }

  /** The provider has stated why the reply ended. Only its side information may follow. */
  get hasEnding(): boolean {
    return this.#ending !== undefined
  }

  /** Reads one event. Throws `LlmError` for one that cannot be read. */
  read(event: StreamEvent): ReplyChunk[] {
    if (this.#isOver) return []
    if (event.data.trim() === '[DONE]') return this.finish(true)
    const json = parseObject(event)
    // What was cut off within its last line was no event.
    if (!json && event.form === 'unended' && event.name !== 'error') return []
    const error = findStatedError(json, event.name)
    if (error) return this.#fail(toStatedError({ ...error, text: event.data }))
    if (!json) throw this.#toBroken('an event is no object', event)
    return this.#readObject(json, event)
  }

  /**
   * Returns the last chunks: what was held back, the usage, and the end or a failure. Without an
   * ending and without `isDone` it returns neither of these, because the stream was cut off.
   */
  finish(isDone = false): ReplyChunk[] {
    if (this.#isOver) return []
    this.#isOver = true
    const held = this.#toChunks(this.#reasoning.end())
    return [...held, ...this.#toUsage(), ...this.#toEnd(isDone)]
  }

  #readObject(json: object, event: StreamEvent): ReplyChunk[] {
    const meanings = this.#translate(json, event)
    this.#isKnown ||= meanings[0]?.type !== 'unknown'
    const chunks = meanings.flatMap((meaning) => this.#take(meaning))
    if (event.form !== 'whole') return chunks
    if (!this.#hasText && !this.hasEnding) throw toNonsenseError('JSON without a reply')
    return [...chunks, ...this.finish(true)]
  }

  #translate(json: object, event: StreamEvent): Meaning[] {
    try {
      const whole = event.form === 'whole' ? this.#reader.readWhole?.(json) : undefined
      return whole ?? this.#reader.read(json, event.name)
    } catch (error) {
      throw error instanceof LlmError ? this.#toBroken(error.detail, event) : error
    }
  }

  /** The same question brings what is no reply again, but perhaps not a reply that broke. */
  #toBroken(why: string, { data, form }: StreamEvent): LlmError {
    const mayBeReply = form === 'whole' ? isCutJson(data) : this.#isKnown
    return mayBeReply ? toCutError(why) : toNonsenseError(why, data)
  }

  #take(meaning: Meaning): ReplyChunk[] {
    switch (meaning.type) {
      case 'text':
        return this.#toChunks(this.#reasoning.add(meaning.text), meaning.text)
      case 'replacement':
        return this.#replace(meaning.text)
      case 'usage':
        return this.#count(meaning.prompt, meaning.completion)
      case 'ending':
        return this.#judge(meaning.reason)
      case 'done':
        return this.finish(true)
      case 'error':
        return this.#fail(toStatedError(meaning.error))
      case 'unknown':
        this.#hasUnknown = true
        return []
      case 'thinking':
        return [{ type: 'thinking', tokens: weighTokens(meaning.text ?? '') }]
      case 'conversation':
        return [meaning]
    }
  }

  #count(prompt: unknown, completion: unknown): [] {
    this.#prompt = toCount(prompt) ?? this.#prompt
    this.#completion = toCount(completion) ?? this.#completion
    return []
  }

  /** A bad ending is never made good by a later word. */
  #judge(reason: unknown): [] {
    if (typeof this.#ending !== 'object') this.#ending = judgeEnding(reason) ?? 'good'
    return []
  }

  /** `piece` is what it was sorted from. What is not shown of it is the model's work all the same. */
  #toChunks({ text, isThinking, takesBack }: Sorted, piece = ''): ReplyChunk[] {
    const hidden = Math.max(0, weighTokens(piece) - weighTokens(text))
    const thinking: ReplyChunk[] = isThinking ? [{ type: 'thinking', tokens: hidden }] : []
    if (!takesBack || !this.#hasText) return [...thinking, ...this.#toText(text)]
    this.#hasText = text !== ''
    return [...thinking, { type: 'replacement', text }]
  }

  #replace(text: string): ReplyChunk[] {
    const hadText = this.#hasText
    this.#reasoning = new InBandReasoning()
    const shown = this.#reasoning.add(text).text
    this.#hasText = shown !== ''
    return hadText ? [{ type: 'replacement', text: shown }] : this.#toText(shown)
  }

  #toText(text: string): ReplyChunk[] {
    if (text === '') return []
    this.#hasText = true
    return [{ type: 'text', text }]
  }

  #fail(error: LlmError): ReplyChunk[] {
    this.#isOver = true
    const held = this.#toChunks(this.#reasoning.end())
    return [...held, ...this.#toUsage(), { type: 'failure', error }]
  }

  /** Both counts are needed. What a provider left out is estimated elsewhere. */
  #toUsage(): ReplyChunk[] {
    const [promptTokens, completionTokens] = [this.#prompt, this.#completion]
    if (promptTokens === undefined || completionTokens === undefined) return []
    const totalTokens = promptTokens + completionTokens
    return [{ type: 'usage', usage: { promptTokens, completionTokens, totalTokens } }]
  }

  #toEnd(isDone: boolean): ReplyChunk[] {
    if (this.#hasUnknown && !this.#isKnown) {
      return [{ type: 'failure', error: toNonsenseError('no event of a known kind') }]
    }
    if (typeof this.#ending === 'object') return [{ type: 'failure', error: this.#ending }]
    if (this.#ending === 'good' || (isDone && !this.#hasUnknown)) return [{ type: 'end' }]
    if (!isDone) return []
    return [{ type: 'failure', error: toCutError('no ending, and an event that is not known') }]
  }
}

function parseObject({ data }: StreamEvent): object | undefined {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
