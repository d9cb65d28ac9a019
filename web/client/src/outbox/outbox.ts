import type { ClientData, ClientPayload, Message } from '@chatbox/contract'
import { RequestError, toFailure, toRequestError } from '../connection/request.ts'
import { Observable } from '../observable.ts'
import { Timer } from '../timer.ts'
import { toMessageText } from './message-text.ts'
import { type OutboxStorage, parseUnsentMessage, type UnsentMessage } from './outbox-storage.ts'

interface OutboxOptions {
  /** If the storage fails, messages are kept until the page is closed. */
  storage: OutboxStorage
  send(payload: ClientPayload<'message:send'>): Promise<ClientData<'message:send'>>
  onSent(message: Message): void
  /** The id of this tab, which survives a reload. */
  tabId?: string
  random?: () => number
}

export const MAX_MESSAGES = 50
export const MAX_CHARACTERS = 200_000
/** How long sending waits for a storage, so that messages keep their order. */
const STORAGE_WAIT_MS = 1000
/** Nobody expects a message to be sent after a week. */
export const MAX_AGE_MS = 7 * 24 * 3600 * 1000

/**
 * Messages that the server has not confirmed. They are sent one at a time in the order in which
 * they were written, and again after an outage, always with the same id. All of them are in the
 * storage. The outbox holds one user's messages. Messages written before the user is known belong
 * to the next user of this tab.
 */
export class Outbox extends Observable<readonly UnsentMessage[]> {
  readonly #options: Required<OutboxOptions>
  readonly #timer: Timer
  #userId: string | null = null
  #loading = Promise.resolve()
  #isLoading = false
  /** The session for messages that were written before a session was open. */
  #sessionId: string | null = null
  #online = false
  #sending = false

  constructor(options: OutboxOptions) {
    super([])
    this.#options = { tabId: createId(), random: Math.random, ...options }
    this.#timer = new Timer(this.#options.random)
  }

  get items(): readonly UnsentMessage[] {
    return this.state
  }

  /**
   * Sets the user and drops the messages of a former one. Resolves when the user's stored messages
   * are loaded, or after 1 s; then they are added when they come. Nothing is sent until then, nor
   * before `resume`. Never rejects.
   */
  setUser(userId: string): Promise<void> {
    if (userId !== this.#userId) this.#loading = this.#load(userId)
    return this.#loading
  }

  async #load(userId: string): Promise<void> {
    const unowned = this.#userId === null ? this.items : []
    this.#userId = userId
    this.pause()
    this.#timer.forgetFailures()
    this.setState(unowned.map((item) => this.#claim(item)))
    this.#isLoading = true
    const reading = this.#options.storage.readAll().then(
      (stored) => this.#addStored(userId, stored),
      () => undefined,
    )
    await settlesSoon(reading)
    if (userId !== this.#userId) return
    this.#isLoading = false
    this.#next()
  }

  #addStored(userId: string, stored: readonly unknown[]): void {
    if (userId !== this.#userId) return
    const left = stored.map(parseUnsentMessage).filter((item) => item !== undefined)
    const known = new Set(this.items.map(({ clientMessageId }) => clientMessageId))
    const kept = this.#dropOld(left)
      .filter((item) => item.userId === userId || this.#isOfThisTab(item))
      .filter(({ clientMessageId }) => !known.has(clientMessageId))
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1))
      .slice(-MAX_MESSAGES)
      .map((item) => (item.userId === userId ? item : this.#claim(item)))
    this.setState([...kept, ...this.items])
    this.#next()
  }

  /**
   * Adds a message and sends it in its turn. Throws `INVALID_FORMAT` if nothing of it can be seen,
   * `TOO_MANY_REQUESTS` if the outbox is full, and `BUDGET_EXCEEDED` until the day is over in which
   * another message was refused for that; `isToPerson` says that no model answers this one, which
   * no budget limits. The text then stays with the caller.
   */
  add(sessionId: string | null, typed: string, isToPerson = false): UnsentMessage {
    const content = toMessageText(typed)
    if (content === '') {
      const message = 'Nothing of this message can be seen.'
      throw new RequestError({ code: 'INVALID_FORMAT', message, retryable: false })
    }
    const now = Date.now()
    const spent = this.items.find(({ failure }) => msUntilBudget(failure, now) > 0)?.failure
    if (spent && !isToPerson) {
      const retryAfterMs = msUntilBudget(spent, now)
      throw new RequestError({ ...spent, code: 'BUDGET_EXCEEDED', retryable: false, retryAfterMs })
    }
    return this.#add(sessionId, content)
  }

  #add(sessionId: string | null, content: string): UnsentMessage {
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
      tabId: this.#options.tabId,
      sessionId,
      content,
      createdAt: new Date().toISOString(),
      failure: null,
    }
    this.setState([...this.items, item])
    this.#store(item)
    this.#next()
    return item
  }

  /** Sends until `pause`. Messages without a session go to `sessionId`, or wait if it is null. */
  resume(sessionId: string | null): void {
    this.#online = true
    this.#sessionId = sessionId
    this.#timer.forgetFailures()
    this.#timer.stop()
    this.#next()
  }

  /** Stops sending until `resume`, because there is no connection. */
  pause(): void {
    this.#online = false
    this.#timer.stop()
  }

  /**
   * Sends a refused message again, in the session `sessionId` if it is set. Discards one of which
   * nothing can be seen, because it would be refused for ever.
   */
  retry(clientMessageId: string, sessionId?: string): void {
    const item = this.items.find((one) => one.clientMessageId === clientMessageId)
    if (!item?.failure) return
    this.discard(clientMessageId)
    const content = toMessageText(item.content)
    // Tried even before its time, because a limit may have been raised.
    if (content !== '') this.#add(sessionId ?? item.sessionId, content)
  }

  discard(clientMessageId: string): void {
    this.setState(this.items.filter((item) => item.clientMessageId !== clientMessageId))
    this.#remove(clientMessageId)
  }

  close(): void {
    this.pause()
  }

  #next(): void {
    const item = this.items.find(({ failure }) => failure === null)
    if (!item || this.#sending || this.#timer.isRunning) return
    if (!this.#online || this.#isLoading) return
    const sessionId = item.sessionId ?? this.#sessionId
    if (sessionId === null) return
    this.#sending = true
    void this.#send(item, sessionId)
      .finally(() => (this.#sending = false))
      .then(() => this.#next())
  }

  async #send(item: UnsentMessage, sessionId: string): Promise<void> {
    const { clientMessageId, content } = item
    // The session is fixed before the first try, so that a repetition cannot reach another one.
    if (item.sessionId === null) this.#replace({ ...item, sessionId })
    try {
      const { message } = await this.#options.send({ sessionId, clientMessageId, content })
      this.#timer.forgetFailures()
      this.#options.onSent(message)
      this.discard(clientMessageId)
    } catch (thrown) {
      this.#onFailure({ ...item, sessionId }, toRequestError(thrown))
    }
  }

  #onFailure(item: UnsentMessage, error: RequestError): void {
    if (error.retryable) this.#timer.retry(() => this.#next(), error.retryAfterMs)
    else this.#replace({ ...item, failure: toFailure(error) })
  }

  #isOfThisTab({ userId, tabId }: UnsentMessage): boolean {
    return userId === null && tabId === this.#options.tabId
  }

  #claim(item: UnsentMessage): UnsentMessage {
    const claimed = { ...item, userId: this.#userId }
    this.#store(claimed)
    return claimed
  }

  /** Also removes old messages of any user from the storage. */
  #dropOld(items: readonly UnsentMessage[]): UnsentMessage[] {
    const oldest = new Date(Date.now() - MAX_AGE_MS).toISOString()
    return items.filter(({ clientMessageId, createdAt }) => {
      if (createdAt > oldest) return true
      this.#remove(clientMessageId)
      return false
    })
  }

  #replace(item: UnsentMessage): void {
    const isSame = (one: UnsentMessage): boolean => one.clientMessageId === item.clientMessageId
    if (!this.items.some(isSame)) return
    this.setState(this.items.map((one) => (isSame(one) ? item : one)))
    this.#store(item)
  }

  #store(item: UnsentMessage): void {
    this.#options.storage.put(item.clientMessageId, item).catch(() => undefined)
  }

  #remove(clientMessageId: string): void {
    this.#options.storage.remove(clientMessageId).catch(() => undefined)
  }
}

/** Returns how long the budget is used up that a message was refused for; 0 if it is not. */
function msUntilBudget(failure: UnsentMessage['failure'], now: number): number {
  if (failure?.code !== 'BUDGET_EXCEEDED' || failure.until === undefined) return 0
  return Math.max(0, Date.parse(failure.until) - now) || 0
}

/** Waits for work that never rejects, for a limited time. */
async function settlesSoon(work: Promise<void>): Promise<void> {
  const timer = new Timer()
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      timer.start(STORAGE_WAIT_MS, resolve)
    }),
  ])
  timer.stop()
}

/** Creates an id of 128 random bits as 22 characters of base64url. */
export function createId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
