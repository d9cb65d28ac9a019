import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Dispatcher } from 'undici'

interface AnswerStart {
  statusCode: number
  headers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]
}

/**
 * One answer of a server, whose body is read only when somebody asks for it. In between, what the
 * server sends waits in the kernel, where many small writes cost one reading: a token that is read by
 * itself costs more than all that is then done with it.
 */
export class PulledAnswer implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal
  readonly #started = Promise.withResolvers<AnswerStart>()
  readonly #onAbort = (): void => this.#abort(this.#signal.reason)
  #controller: Dispatcher.DispatchController | undefined
  #chunks: Buffer[] = []
  #isReading = false
  #ended: { error?: Error } | undefined
  /** How much may still come of a body that nobody reads any more. */
  #sparedBytes: number | undefined
  #onNews: () => void = () => undefined

  /** An abort rejects what waits, and cuts the connection where there is one. */
  constructor(signal: AbortSignal) {
    this.#signal = signal
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Rejects with what the connection throws, and with the reason of an abort. */
  get started(): Promise<AnswerStart> {
    return this.#started.promise
  }

  /** What has come since the last time, at least one byte; undefined at the end. */
  async read(): Promise<Buffer | undefined> {
    if (!this.#ended) {
      this.#isReading = true
      this.#controller?.resume()
      if (this.#chunks.length === 0) await new Promise<void>((resolve) => (this.#onNews = resolve))
      // One piece was read ahead; the rest comes within this turn of the event loop.
      await nextTurn()
      this.#isReading = false
      this.#controller?.pause()
    }
    if (this.#chunks.length > 0) return Buffer.concat(this.#chunks.splice(0))
    if (this.#ended?.error) throw this.#ended.error
    return undefined
  }

  /** Ends the request now, and with it the work of the server. */
  drop(): void {
    this.#abort(new Error('the answer is not wanted any more'))
  }

  /** Lets the connection serve another request, if the answer ends within `ms` and `bytes`. */
  release(ms: number, bytes: number): void {
    if (this.#ended) return
    const timer = setTimeout(() => this.drop(), ms).unref()
    this.#sparedBytes = bytes
    this.#onNews = () => clearTimeout(timer)
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(this.#ended.error ?? new Error('aborted'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    statusCode: number,
    headers: AnswerStart['headers'],
  ): void {
    this.#started.resolve({ statusCode, headers })
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#sparedBytes !== undefined) {
      this.#sparedBytes -= chunk.length
      if (this.#sparedBytes < 0) this.drop()
      return
    }
    this.#chunks.push(chunk)
    if (!this.#isReading) controller.pause()
    this.#onNews()
  }

  onResponseEnd(): void {
    this.#end({})
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ error })
  }

  #abort(reason: unknown): void {
    const error = reason instanceof Error ? reason : new Error('aborted', { cause: reason })
    this.#end({ error })
    this.#controller?.abort(error)
  }

  #end(ended: { error?: Error }): void {
    if (this.#ended) return
    this.#ended = ended
    this.#signal.removeEventListener('abort', this.#onAbort)
    if (ended.error) this.#started.reject(ended.error)
    this.#onNews()
  }
}
