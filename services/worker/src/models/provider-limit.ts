import { backoffMs, FairLine, LlmError, type Llm, type LlmChunk, type Place } from '@chatbox/core'
import type { Settings } from '@chatbox/kit'

export interface ProviderLimitOptions {
  /** How many questions may wait at once. Further ones fail at once, with the time to wait. */
  maxWaiting: number
  /** Called when a pause begins. */
  onPause: (pauseMs: number) => void
  /** In [0, 1). */
  random?: () => number
}

/** A provider that states no time is asked again after this. */
const UNSTATED = { baseMs: 1000, maxMs: 30_000 }
/** Some servers state 0, or a date that is over by this clock. Pauses then grow from this one. */
const SHORT = { baseMs: 250, maxMs: 30_000 }
const SHORTEST_STATED_MS = 1000
/** After a pause one question is let through, then two, four and so on, this far apart. */
const STEP_MS = 250

/**
 * Returns how many questions to one model may wait. Each holds one of the places for replies, so
 * with several models half of the places stay free for the others.
 */
export function toMaxWaiting({
  models,
  providers,
}: Pick<Settings, 'models' | 'providers'>): number {
  return Math.ceil(models.concurrency / Math.min(Math.max(providers.length, 1), 2))
}

interface Waiting {
  go: () => void
  fail: (error: LlmError) => void
}

/** A question that is to be sent. */
interface Asking {
  lane: string
  signal: AbortSignal
  /** Where it stood, if it has waited before: it keeps its place until it is accepted. */
  place?: Place | undefined
  /** Why it was refused, if it was. */
  refusal?: LlmError | undefined
}

/**
 * The limit that a provider states by refusing: 429, or another refusal with `Retry-After`. Until
 * its time is over, no further question is sent to this model, and questions wait in the turns of
 * their lanes. Afterwards few are let through at first, because all at once would be refused again.
 * If too many wait, the last one fails, which is one of the lane that has most there. Each worker
 * learns the limit by itself. The time of a reply bounds a wait.
 */
export class ProviderLimit {
  readonly #options: ProviderLimitOptions
  readonly #waiting = new FairLine<Waiting>()
  #pausedUntil = 0
  /** Pauses in a row without an accepted question in between. */
  #pauses = 0
  #step = 1
  #timer: NodeJS.Timeout | undefined

  constructor(options: ProviderLimitOptions) {
    this.#options = options
  }

  /**
   * Resolves when the question may be sent, with the place at which it has waited. If too many wait,
   * rejects with its refusal, or with `LLM_UNAVAILABLE` and the remaining time. Rejects with the
   * reason if `signal` aborts.
   */
  async wait({ lane, signal, place, refusal }: Asking): Promise<Place | undefined> {
    signal.throwIfAborted()
    if (this.#leftMs() <= 0 && this.#waiting.size === 0) return place
    const turn = Promise.withResolvers<undefined>()
    const waiting: Waiting = {
      go: () => turn.resolve(undefined),
      fail: (error) => turn.reject(refusal ?? error),
    }
    const onAbort = () => turn.reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const kept = this.#waiting.add(lane, waiting, place)
    if (this.#waiting.size > this.#options.maxWaiting) {
      this.#waiting.takeLast()?.fail(tooMany(Math.max(this.#leftMs(), STEP_MS)))
    }
    if (!this.#timer) this.#schedule()
    try {
      await turn.promise
      return kept
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#waiting.remove(waiting)
    }
  }

  accepted(): void {
    this.#pauses = 0
  }

  /** Begins or prolongs the pause. `askedMs` is what the provider asked for, if it did. */
  refused(askedMs: number | undefined): void {
    const now = performance.now()
    const isNew = now >= this.#pausedUntil
    // Many questions are refused for the same reason, which is one pause.
    if (isNew) this.#pauses++
    const { random = Math.random, onPause } = this.#options
    const isStated = askedMs !== undefined && askedMs >= SHORTEST_STATED_MS
    const backoff = askedMs === undefined ? UNSTATED : SHORT
    const ownMs = backoffMs(this.#pauses, backoff, random)
    const pauseMs = isStated ? askedMs : Math.max(askedMs ?? 0, ownMs)
    this.#pausedUntil = Math.max(this.#pausedUntil, now + pauseMs)
    this.#step = 1
    if (isNew) onPause(pauseMs)
  }

  #leftMs(): number {
    return this.#pausedUntil - performance.now()
  }

  #schedule(): void {
    this.#timer = setTimeout(() => this.#onTime(), Math.ceil(Math.max(this.#leftMs(), STEP_MS)))
  }

  #onTime(): void {
    this.#timer = undefined
    if (this.#leftMs() <= 0) {
      for (let sent = 0; sent < this.#step; sent++) {
        const next = this.#waiting.take()
        if (!next) break
        next.go()
      }
      this.#step *= 2
    }
    if (this.#waiting.size > 0) this.#schedule()
  }
}

/** Asks `llm` within the limit of its provider. A question refused for the limit is asked again. */
export function heedLimit(llm: Llm, limit: ProviderLimit): Llm {
  return {
    async *streamReply(request, signal) {
      const lane = request.lane ?? `session ${request.sessionId}`
      let place: Place | undefined
      let refusal: LlmError | undefined
      do {
        place = await limit.wait({ lane, signal, place, refusal })
        refusal = yield* readWithin(limit, llm.streamReply(request, signal))
      } while (refusal)
    },
  }
}

/** Passes a reply on. Returns the refusal if the provider does not take the question now. */
async function* readWithin(
  limit: ProviderLimit,
  reply: AsyncIterable<LlmChunk>,
): AsyncGenerator<LlmChunk, LlmError | undefined> {
  let isAccepted = false
  try {
    for await (const chunk of reply) {
      if (!isAccepted) limit.accepted()
      isAccepted = true
      yield chunk
    }
    return undefined
  } catch (error) {
    if (isAccepted || !(error instanceof LlmError && error.isLimit)) throw error
    limit.refused(error.retryAfterMs)
    return error
  }
}

function tooMany(retryAfterMs: number): LlmError {
  const detail = 'not asked: too many wait for the limit of the provider'
  return new LlmError('LLM_UNAVAILABLE', detail, { retryable: true, isLimit: true, retryAfterMs })
}
