import { once } from 'node:events'
import type { Logger } from '@chatbox/kit'
import type { Response } from 'express'

interface File<T extends string> {
  name: string
  /** One of the route's media types in the contract; the text is UTF-8. */
  mediaType: T
  /**
   * Reads the file piece by piece, each after the caller has taken those before. `signal` aborts
   * when the caller leaves.
   */
  read(signal: AbortSignal): AsyncIterable<string>
}

/** A file that is streamed as the response to a request. */
export class Download<T extends string = string> {
  readonly #file: File<T>

  constructor(file: File<T>) {
    this.#file = file
  }

  /**
   * Resolves when the file has been handed over or the caller has left. If a piece cannot be read,
   * sends what there is and closes the connection without the end of the response, so that no
   * client takes it for whole.
   */
  async send(response: Response, logger: Pick<Logger, 'error'>): Promise<void> {
    const { name, mediaType } = this.#file
    response.attachment(name)
    response.setHeader('Content-Type', `${mediaType}; charset=utf-8`)
    // The file holds texts of users and models. If a browser shows it, nothing in it may run.
    response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
    const left = new AbortController()
    response.once('close', () => left.abort())
    try {
      await this.#write(response, left.signal)
      response.end()
    } catch (error) {
      if (left.signal.aborted) return
      logger.error({ err: error }, 'download broke off')
      response.socket?.end()
    }
  }

  /** Written without a stream between, which would read sixteen pieces ahead. */
  async #write(response: Response, signal: AbortSignal): Promise<void> {
    for await (const piece of this.#file.read(signal)) {
      signal.throwIfAborted()
      if (!response.write(piece)) await once(response, 'drain', { signal })
    }
  }
}
