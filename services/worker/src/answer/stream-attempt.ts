import { LIMITS, type Usage } from '@chatbox/contract'
import {
  LlmError,
  toAppError,
  type AppError,
  type Claim,
  type Llm,
  type LlmChunk,
  type LlmRequest,
} from '@chatbox/core'
import type { AnswerDeps } from './answer-deps.ts'
import { DeltaWriter } from './delta-writer.ts'
import type { Halt } from './halt.ts'
import { ReplyText } from './reply-text.ts'

export interface Attempt {
  claim: Claim
  modelId: string
  llm: Llm
  request: LlmRequest
  /** Called with the first text. */
  onFirstText: () => void
}

export interface AttemptResult {
  text: string
  /** The provider said that the reply is whole. Without it and without an error it was halted. */
  whole: boolean
  error: AppError | undefined
  usage: Usage | undefined
}

export type AttemptDeps = Pick<
  AnswerDeps,
  'conversationRefs' | 'bus' | 'metrics' | 'logger' | 'timing'
>

/**
 * One request to the provider: its text goes out as deltas while it comes in. Answers with whatever
 * text there is when the stream ends, fails or is halted; never throws.
 */
export async function streamAttempt(
  deps: AttemptDeps,
  attempt: Attempt,
  halt: Halt,
): Promise<AttemptResult> {
  const writer = openWriter(deps, attempt, halt)
  const text = new ReplyText(LIMITS.replyLength)
  const result: AttemptResult = { text: '', whole: false, error: undefined, usage: undefined }
  try {
    await readStream({ deps, attempt, writer, text, result }, halt)
  } catch (thrown) {
    // What an aborted request throws is the abort.
    if (!halt.reason()) result.error = toAppError(thrown)
  }
  await writer.close()
  result.text = text.text
  return result.whole && result.text === '' ? { ...result, whole: false, error: empty() } : result
}

function openWriter(deps: AttemptDeps, { claim, modelId }: Attempt, halt: Halt): DeltaWriter {
  const { sessionId, replyId, messageId: replyTo, epoch: attempt } = claim
  const started = deps.bus.publish(sessionId, {
    event: 'reply:start',
    payload: { sessionId, replyId, replyTo, modelId, attempt },
  })
  return new DeltaWriter(
    {
      intervalMs: deps.timing.deltaIntervalMs,
      length: deps.timing.deltaLength,
      send: ({ index, text, textSoFar }) => {
        deps.metrics.deltaPublished()
        return deps.bus.publishDelta({ sessionId, replyId, attempt, index, text }, textSoFar)
      },
      onFenced: () => {
        deps.metrics.writeFenced()
        halt.raise('lost')
      },
    },
    started,
  )
}

interface Reading {
  deps: AttemptDeps
  attempt: Attempt
  writer: DeltaWriter
  text: ReplyText
  result: AttemptResult
}

async function readStream(reading: Reading, halt: Halt): Promise<void> {
  if (halt.reason()) return
  const { attempt, text, result } = reading
  const stream = attempt.llm.streamReply(attempt.request, halt.signal)[Symbol.asyncIterator]()
  const nextOrHalt = untilHalted(stream, halt.signal)
  try {
    for (;;) {
      const next = await nextOrHalt()
      if (!next || halt.reason()) return
      if (next.done) throw cutOff('the stream ended without its terminator')
      result.whole = next.value.type === 'end'
      if (result.whole) return
      if (next.value.type === 'conversation') await saveRef(reading, next.value.ref)
      else takeChunk(reading, next.value)
      if (text.full) throw cutOff('the reply is longer than a message may be')
    }
  } finally {
    // Frees the request on every way out. Not awaited: a generator that hangs would hold us too.
    void stream.return?.().catch(() => undefined)
  }
}

/**
 * The next chunk, or undefined as soon as the halt comes: a provider that does not heed the abort must
 * not hold up the stop of its reply. Racing each chunk against one promise would keep something of
 * every chunk until the end of the reply.
 */
function untilHalted(
  stream: AsyncIterator<LlmChunk>,
  signal: AbortSignal,
): () => Promise<IteratorResult<LlmChunk> | undefined> {
  let leave: () => void = () => undefined
  signal.addEventListener('abort', () => leave(), { once: true })
  return () =>
    new Promise((resolve, reject) => {
      leave = () => resolve(undefined)
      if (signal.aborted) leave()
      else stream.next().then(resolve, reject)
    })
}

/** Nothing to read is no answer, whatever the provider says. */
function empty(): LlmError {
  return new LlmError('LLM_UNAVAILABLE', 'the reply is empty', { retryable: true })
}

function cutOff(detail: string): LlmError {
  return new LlmError('LLM_TRUNCATED', detail, { retryable: true })
}

function takeChunk({ attempt, writer, text, result }: Reading, chunk: LlmChunk): void {
  if (chunk.type === 'usage') result.usage = chunk.usage
  if (chunk.type !== 'text') return
  const shown = text.add(chunk.text)
  if (shown === '') return
  attempt.onFirstText()
  writer.push(shown)
}

/** Without it the provider only starts a conversation anew next time: no reason to lose the reply. */
async function saveRef(
  { deps, attempt }: Pick<Reading, 'deps' | 'attempt'>,
  ref: string,
): Promise<void> {
  const { sessionId } = attempt.claim
  try {
    await deps.conversationRefs.save(sessionId, attempt.modelId, ref)
  } catch (error) {
    deps.logger.warn({ sessionId, err: error }, 'conversation reference not saved')
  }
}
