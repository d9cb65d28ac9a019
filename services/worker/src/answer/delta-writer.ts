import type { Claim } from '@chatbox/core'
import type { Context } from '../context.ts'

interface DeltaFrame {
  index: number
  text: string
  /** Every frame so far, this one included. */
  textSoFar: () => string
}

export interface DeltaWriterOptions {
  intervalMs: number
  /** UTF-16 units that are worth a frame before its time. */
  length: number
  send(frame: DeltaFrame): Promise<'published' | 'fenced'>
  onFenced(): void
}

/**
 * Gathers the pieces of one attempt into frames: the first one at once, so that nobody waits for it,
 * then at most one each `intervalMs` unless `length` has gathered. One frame is in flight at a time,
 * so their order holds and a slow bus makes frames longer, never more. Pieces that come no oftener
 * than frames may leave need no timer.
 */
export class DeltaWriter {
  readonly #options: DeltaWriterOptions
  #pending = ''
  #sent = ''
  #index = 0
  #closed = false
  #inFlight: Promise<void> | undefined
  #dueAt = 0
  #timer: NodeJS.Timeout | undefined

  /** Nothing is sent before `started`: what announces the attempt goes first. */
  constructor(options: DeltaWriterOptions, started: Promise<void>) {
    this.#options = options
    this.#inFlight = started.then(() => this.#onSent())
  }

  push(text: string): void {
    if (this.#closed) return
    this.#pending += text
    this.#pump()
  }

  /** Sends what is left; resolves when the last frame is out. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#pump()
    while (this.#inFlight) await this.#inFlight
  }

  #pump(): void {
    if (this.#inFlight || this.#pending === '') return
    const waitMs = this.#dueAt - performance.now()
    if (waitMs > 0 && !this.#closed && this.#pending.length < this.#options.length) {
      this.#timer ??= setTimeout(() => this.#onDue(), Math.ceil(waitMs))
    } else {
      this.#inFlight = this.#flush()
    }
  }

  #onDue(): void {
    this.#timer = undefined
    this.#dueAt = 0
    this.#pump()
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#dueAt = performance.now() + this.#options.intervalMs
    const text = this.#pending
    this.#pending = ''
    this.#sent += text
    const soFar = this.#sent
    const frame = { index: this.#index++, text, textSoFar: () => soFar }
    if ((await this.#options.send(frame)) === 'fenced') {
      this.#closed = true
      this.#pending = ''
      this.#options.onFenced()
    }
    this.#onSent()
  }

  #onSent(): void {
    this.#inFlight = undefined
    this.#pump()
  }
}

/** Announces an attempt to viewers; what is pushed goes out as its deltas. */
export function openDeltaWriter(
  { bus, metrics, timing }: Context,
  { claim, modelId, onFenced }: { claim: Claim; modelId: string; onFenced: () => void },
): DeltaWriter {
  const { sessionId, replyId, messageId: replyTo, epoch: attempt } = claim
  const started = bus.publish(sessionId, {
    event: 'reply:start',
    payload: { sessionId, replyId, replyTo, modelId, attempt },
  })
  return new DeltaWriter(
    {
      intervalMs: timing.deltaIntervalMs,
      length: timing.deltaLength,
      send: ({ index, text, textSoFar }) => {
        metrics.deltaPublished()
        return bus.publishDelta({ sessionId, replyId, attempt, index, text }, textSoFar)
      },
      onFenced: () => {
        metrics.writeFenced()
        onFenced()
      },
    },
    started,
  )
}
