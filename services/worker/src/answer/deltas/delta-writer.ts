import type { Claim } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { DeltaPace } from './delta-pace.ts'

interface DeltaFrame {
  index: number
  text: string
  /** Returns the text of all frames so far, including this one. */
  textSoFar: () => string
}

export interface DeltaWriterOptions {
  pace: Pick<DeltaPace, 'intervalMs' | 'join'>
  /** The length of text, in UTF-16 units, that is sent before the interval ends. */
  length: number
  send(frame: DeltaFrame): Promise<'published' | 'fenced'>
  onFenced(): void
}

/**
 * Gathers the pieces of one attempt into frames. The first frame is sent at once; later ones at the
 * pace of the process, or earlier when `length` has gathered. Only one frame is in flight at a time,
 * so their order holds, and a slow bus makes frames longer, never more. Pieces that arrive no more
 * often than frames may be sent need no timer.
 */
export class DeltaWriter {
  readonly #options: DeltaWriterOptions
  #pending = ''
  #sent = ''
  #index = 0
  #closed = false
  #inFlight: Promise<void> | undefined
  #dueAt = 0
  /** Set from the first piece on. */
  #leavePace: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  /** Sends nothing before `started`, because the attempt is announced first. */
  constructor(options: DeltaWriterOptions, started: Promise<void>) {
    this.#options = options
    this.#inFlight = started.then(() => this.#onSent())
  }

  push(text: string): void {
    if (this.#closed) return
    this.#leavePace ??= this.#options.pace.join()
    this.#pending += text
    this.#pump()
  }

  /** Sends the remaining text and resolves when the last frame is out. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    this.#pump()
    while (this.#inFlight) await this.#inFlight
    this.#leavePace?.()
    this.#leavePace = undefined
  }

  /** Drops the remaining text and resolves when the last frame is out. */
  async abandon(): Promise<void> {
    this.#pending = ''
    await this.close()
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
    this.#dueAt = performance.now() + this.#options.pace.intervalMs()
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

/** Announces an attempt to viewers and returns the writer of its deltas. */
export function openDeltaWriter(
  { bus, metrics, pace, timing }: Context,
  { claim, modelId, onFenced }: { claim: Claim; modelId: string; onFenced: () => void },
): DeltaWriter {
  const { sessionId, replyId, messageId: replyTo, epoch: attempt } = claim
  const started = bus.publish(sessionId, {
    event: 'reply:start',
    payload: { sessionId, replyId, replyTo, modelId, attempt },
  })
  return new DeltaWriter(
    {
      pace,
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
