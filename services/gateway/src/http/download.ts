import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response } from 'express'

interface File<T extends string> {
  name: string
  /** Of the route's own in the contract; the text is UTF-8. */
  mediaType: T
  /** Read one by one, as fast as the caller takes them. */
  pieces: AsyncIterable<string>
}

/** A file as the answer to a request, written while it is read. */
export class Download<T extends string = string> {
  readonly #file: File<T>

  constructor(file: File<T>) {
    this.#file = file
  }

  /** Rejects where a piece cannot be read or the caller has gone: the connection is cut then. */
  async send(response: Response): Promise<void> {
    const { name, mediaType, pieces } = this.#file
    response.attachment(name)
    response.setHeader('Content-Type', `${mediaType}; charset=utf-8`)
    // Texts of users and models: were it ever shown and not saved, nothing in it may run.
    response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox")
    await pipeline(Readable.from(pieces), response)
  }
}
