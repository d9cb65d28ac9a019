import { setImmediate as nextTurn } from 'node:timers/promises'
import { Agent, type Dispatcher } from 'undici'
import type { ModelCall, Refusal } from '../protocols/protocol.ts'
import { toNonsenseError } from './provider-error.ts'

type Asked = { body: PulledAnswer; refusal?: never } | { body?: never; refusal: Refusal }

/** How long a finished answer or a stop request may keep a connection busy. */
const AFTERMATH_MS = 1000
/** How many bytes may follow a finished answer. */
const AFTERMATH_BYTES = 16 * 1024 * 1024
/** How much of a refusal's body is read. */
const REFUSAL_BYTES = 64 * 1024

/**
 * Posts questions to one provider. A redirect counts as a refusal and is never followed, because it
 * would pass the user's text to another server. Answers are not decompressed, so no body can grow
 * after it was counted.
 */
export class ModelServer {
  readonly #agent: Agent

  constructor(connectMs: number) {
    this.#agent = new Agent({
      // Passed to `net.connect` and `tls.connect`: a socket that holds a byte stops reading.
      connect: { timeout: connectMs, ...{ highWaterMark: 1 } },
      // The caller's deadline limits the wait for headers and body.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Each reply has its own connection, so that none fails with another.
      allowH2: false,
      pipelining: 1,
    })
  }

  /**
   * Calls `onSent` when the connection is there and the call goes out. Throws the connection's
   * error, and `LlmError` for a 200 that is compressed.
   */
  async ask(call: ModelCall, signal: AbortSignal, onSent: () => void): Promise<Asked> {
    const answer = this.#post(call, signal, onSent)
    const { statusCode, headers } = await answer.started
    if (statusCode !== 200) {
      return { refusal: { status: statusCode, headers, text: await readStart(answer, headers) } }
    }
    if (!isCompressed(headers)) return { body: answer }
    throw toNonsenseError(`a compressed answer, ${await readStart(answer, headers)}`)
  }

  /** Sends `call` without waiting for its answer. */
  tell(call: ModelCall): void {
    const answer = this.#post(call, AbortSignal.timeout(AFTERMATH_MS))
    answer.started.then(
      () => answer.release(),
      () => undefined,
    )
  }

  close(): Promise<void> {
    return this.#agent.close()
  }

  #post({ url, headers, body }: ModelCall, signal: AbortSignal, onSent?: () => void): PulledAnswer {
    const answer = new PulledAnswer(signal, onSent)
    const request = {
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'POST' as const,
      headers: {
        ...headers,
        'content-type': 'application/json',
        accept: 'text/event-stream',
        'accept-encoding': 'identity',
      },
      body: JSON.stringify(body),
    }
    this.#agent.dispatch(request, answer)
    return answer
  }
}

function isCompressed(headers: Refusal['headers']): boolean {
  return (headers['content-encoding'] ?? 'identity') !== 'identity'
}

/** Reads the first part of a body and drops the rest. */
async function readStart(answer: PulledAnswer, headers: Refusal['headers']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    while (bytes < REFUSAL_BYTES) {
      const chunk = await answer.read()
      if (!chunk) break
      chunks.push(chunk)
      bytes += chunk.length
    }
  } catch {
    // A truncated refusal is still a refusal.
  }
  answer.drop()
  if (isCompressed(headers)) return `${bytes} compressed bytes read`
  return Buffer.concat(chunks).subarray(0, REFUSAL_BYTES).toString()
}

interface AnswerStart {
  statusCode: number
  headers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2]
}

/**
 * One answer of a server, whose body is read only on demand. In between, the data waits in the
 * kernel, where many small writes become one read. Reading each token by itself would cost more
 * than all of its processing.
 */
export class PulledAnswer implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal
  readonly #started = Promise.withResolvers<AnswerStart>()
  readonly #onAbort = (): void => this.#abort(this.#signal.reason)
  readonly #onSent: (() => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #chunks: Buffer[] = []
  #isReading = false
  #ended: { error?: Error } | undefined
  /** How many bytes may still arrive after `release`. */
  #sparedBytes: number | undefined
  #onNews: () => void = () => undefined

  /** On an abort, pending calls reject and the connection is closed. */
  constructor(signal: AbortSignal, onSent?: () => void) {
    this.#signal = signal
    this.#onSent = onSent
    if (signal.aborted) this.#onAbort()
    else signal.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Rejects with the error of the connection, or with the reason of an abort. */
  get started(): Promise<AnswerStart> {
    return this.#started.promise
  }

  /** Returns the bytes since the last read, at least one, or undefined at the end. */
  async read(): Promise<Buffer | undefined> {
    if (!this.#ended) {
      this.#isReading = true
      this.#controller?.resume()
      if (this.#chunks.length === 0) await new Promise<void>((resolve) => (this.#onNews = resolve))
      // One piece was read ahead. The rest arrives within this turn of the event loop.
      await nextTurn()
      this.#isReading = false
      this.#controller?.pause()
    }
    if (this.#chunks.length > 0) return Buffer.concat(this.#chunks.splice(0))
    if (this.#ended?.error) throw this.#ended.error
    return undefined
  }

  /** Ends the request now, so that the server stops its work. */
  drop(): void {
    this.#abort(new Error('the answer is no longer needed'))
  }

  /** Keeps the connection for another question if the provider ends the answer soon. */
  release(): void {
    if (this.#ended) return
    const timer = setTimeout(() => this.drop(), AFTERMATH_MS).unref()
    this.#sparedBytes = AFTERMATH_BYTES
    this.#onNews = () => clearTimeout(timer)
    this.#controller?.resume()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended) controller.abort(this.#ended.error ?? new Error('aborted'))
    else this.#onSent?.()
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
