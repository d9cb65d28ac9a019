import type { ClientData, ClientPayload, Message } from '@chatbox/contract'
import { createId } from './create-id.ts'
import { createObservable } from './observable.ts'
import { type OutboxStorage, parseUnsentMessage, type UnsentMessage } from './outbox-storage.ts'
import { reconnectDelayMs } from './reconnect.ts'
import { RequestError, toRequestError } from './request-error.ts'

export interface OutboxOptions {
  storage: OutboxStorage
  send(payload: ClientPayload<'message:send'>): Promise<ClientData<'message:send'>>
  onSent(message: Message): void
  /** The storage failed: messages are kept for as long as the page lives. */
  onStorageError?(error: unknown): void
  random?: () => number
}

const MAX_MESSAGES = 50
const MAX_CHARACTERS = 200_000
/** After a week nobody expects a message to go out any more. */
const MAX_AGE_MS = 7 * 24 * 3600 * 1000

/**
 * Messages on their way: sent one at a time in the order in which they were written, again after a
 * gap, always under the same id. Whatever is not confirmed is in the storage.
 */
export class Outbox {
  readonly #options: Required<OutboxOptions>
  readonly #items = createObservable<readonly UnsentMessage[]>([])
  #userId = ''
  /** Where messages go that were written before a session was open. */
  #sessionId: string | null = null
  #online = false
  #sending = false
  #failures = 0
  #retryAfterMs = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: OutboxOptions) {
    this.#options = { onStorageError: () => undefined, random: Math.random, ...options }
  }

  get items(): readonly UnsentMessage[] {
    return this.#items.get()
  }

  subscribe(listener: () => void): () => void {
    return this.#items.subscribe(listener)
  }

  /** Takes over what this user left unsent before. Never rejects. */
  async load(userId: string): Promise<void> {
    if (userId === this.#userId) return
    this.#userId = userId
    const stored = await this.#options.storage.readAll().catch((error: unknown) => {
      this.#options.onStorageError(error)
      return []
    })
    const oldest = new Date(Date.now() - MAX_AGE_MS).toISOString()
    const left = stored
      .map(parseUnsentMessage)
      .filter((item) => item !== undefined)
      .filter((item) => item.userId === userId && item.createdAt > oldest)
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
    const known = new Set(this.items.map(({ clientMessageId }) => clientMessageId))
    const kept = left.filter(({ clientMessageId }) => !known.has(clientMessageId))
    this.#items.set([...kept.slice(-MAX_MESSAGES), ...this.items])
    this.#next()
  }

  /** Adds a message and sends it when its turn comes. Throws `TOO_MANY_REQUESTS` when full. */
  add(sessionId: string | null, content: string): UnsentMessage {
    const characters = this.items.reduce((sum, item) => sum + item.content.length, content.length)
    if (this.items.length >= MAX_MESSAGES || characters > MAX_CHARACTERS) {
      throw new RequestError({
        code: 'TOO_MANY_REQUESTS',
        message: 'Too many messages wait to be sent.',
        retryable: true,
      })
    }
    const item: UnsentMessage = {
      clientMessageId: createId(),
      userId: this.#userId,
      sessionId,
      content,
      createdAt: new Date().toISOString(),
      failure: null,
    }
    this.#items.set([...this.items, item])
    this.#store(item)
    this.#next()
    return item
  }

  /** Sends what waits, now and until `pause`. Messages without a session go to `sessionId` or wait. */
  resume(sessionId: string | null): void {
    this.#online = true
    this.#sessionId = sessionId
    this.#failures = 0
    clearTimeout(this.#timer)
    this.#next()
  }

  /** Sends nothing until `resume`: there is no connection. */
  pause(): void {
    this.#online = false
    clearTimeout(this.#timer)
  }

  /** Sends a refused message again, in another session where `sessionId` says so. */
  retry(clientMessageId: string, sessionId?: string): void {
    const item = this.items.find((one) => one.clientMessageId === clientMessageId)
    if (!item?.failure) return
    this.discard(clientMessageId)
    this.add(sessionId ?? item.sessionId, item.content)
  }

  discard(clientMessageId: string): void {
    this.#items.set(this.items.filter((item) => item.clientMessageId !== clientMessageId))
    this.#options.storage.remove(clientMessageId).catch(this.#options.onStorageError)
  }

  close(): void {
    this.pause()
  }

  #next(): void {
    const item = this.items.find(({ failure }) => failure === null)
    if (!item || this.#sending || !this.#online) return
    const sessionId = item.sessionId ?? this.#sessionId
    if (sessionId === null) return
    this.#sending = true
    void this.#send(item, sessionId)
      .finally(() => (this.#sending = false))
      .then(() => this.#wait())
  }

  async #send(item: UnsentMessage, sessionId: string): Promise<void> {
    const { clientMessageId, content } = item
    // Bound to its session before the first try: a repetition must not end up in another one.
    if (item.sessionId === null) this.#replace({ ...item, sessionId })
    try {
      const { message } = await this.#options.send({ sessionId, clientMessageId, content })
      this.#failures = 0
      this.#options.onSent(message)
      this.discard(clientMessageId)
    } catch (thrown) {
      this.#onFailure({ ...item, sessionId }, toRequestError(thrown))
    }
  }

  #onFailure(item: UnsentMessage, error: RequestError): void {
    if (!error.retryable) {
      const { code, message } = error
      this.#replace({ ...item, failure: { code, message } })
      return
    }
    this.#failures += 1
    this.#retryAfterMs = Math.max(
      error.retryAfterMs ?? 0,
      reconnectDelayMs(this.#failures, this.#options.random),
    )
  }

  #wait(): void {
    clearTimeout(this.#timer)
    if (this.#retryAfterMs === 0) {
      this.#next()
      return
    }
    this.#timer = setTimeout(() => this.#next(), this.#retryAfterMs)
    this.#retryAfterMs = 0
  }

  #replace(item: UnsentMessage): void {
    const isSame = (one: UnsentMessage): boolean => one.clientMessageId === item.clientMessageId
    if (!this.items.some(isSame)) return
    this.#items.set(this.items.map((one) => (isSame(one) ? item : one)))
    this.#store(item)
  }

  #store(item: UnsentMessage): void {
    this.#options.storage.put(item).catch(this.#options.onStorageError)
  }
}
