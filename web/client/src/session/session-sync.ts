import type { ClientData, ClientPayload } from '@chatbox/contract'
import { toRequestError } from '../connection/request-error.ts'
import {
  applyEvent,
  createSessionLog,
  isBehind,
  type LogEvent,
  type SessionLog,
} from './session-log.ts'
import { Timer } from '../timer.ts'
import type { Turns } from './turns.ts'

type OpenPayload = ClientPayload<'session:open'>
type OpenData = ClientData<'session:open'>

export interface SyncOptions {
  open(payload: OpenPayload): Promise<OpenData>
  onChange(log: SessionLog): void
  /** A catch-up failed for good, such as for a session that is gone. */
  onError(error: unknown): void
  /** Runs a catch-up when it may ask: many sessions that were cut off together share one server. */
  inTurn: Turns
  random: () => number
}

/** Missing entries often arrive by themselves a moment later. */
const CATCH_UP_DELAY_MS = 300
const PAGE = 200
/** Further behind than this, the latest page is shown instead, and the rest is read on demand. */
const MAX_GAP = 1000
/** Pages in one run. What is still missing then is asked for at the next event. */
const MAX_ROUNDS = 10

/** Keeps one session's log equal to the server's: applies events and asks for what is missing. */
export class SessionSync {
  #log: SessionLog
  readonly #options: SyncOptions
  readonly #timer: Timer
  #running: Promise<void> | undefined
  #closed = false

  constructor(first: OpenData, options: SyncOptions) {
    this.#log = createSessionLog(first)
    this.#options = options
    this.#timer = new Timer(options.random)
  }

  get log(): SessionLog {
    return this.#log
  }

  apply(event: LogEvent): void {
    if (this.#closed) return
    const { log, effect } = applyEvent(this.#log, event)
    if (log !== this.#log) {
      this.#log = log
      this.#options.onChange(log)
    }
    if (effect) this.#plan()
  }

  /** Opens the session again, which also joins its room, until nothing is missing. Never rejects. */
  catchUp(): Promise<void> {
    this.#running ??= this.#options
      .inTurn(() => this.#run())
      .catch((error: unknown) => this.#onFailure(error))
      .finally(() => (this.#running = undefined))
    return this.#running
  }

  close(): void {
    this.#closed = true
    this.#timer.stop()
  }

  #plan(): void {
    if (this.#timer.isRunning) return
    this.#timer.start(CATCH_UP_DELAY_MS, () => {
      if (this.#running) this.#plan()
      else if (isBehind(this.#log)) void this.catchUp()
    })
  }

  #onFailure(thrown: unknown): void {
    const { code, retryable, retryAfterMs } = toRequestError(thrown)
    // Whoever sees the connection come back asks again.
    if (this.#closed || code === 'OFFLINE' || code === 'TIMEOUT') return
    if (!retryable) {
      this.#options.onError(thrown)
      return
    }
    this.#timer.retry(() => void this.catchUp(), retryAfterMs)
  }

  async #run(): Promise<void> {
    for (let round = 0; round < MAX_ROUNDS && !this.#closed; round += 1) {
      const { headSeq, lastSeq, session, drafts } = this.#log
      const range = headSeq - lastSeq > MAX_GAP ? {} : { afterSeq: lastSeq }
      const page = await this.#options.open({ sessionId: session.id, limit: PAGE, ...range })
      this.#timer.forgetFailures()
      this.apply({ type: 'opened', page, drafts, ...range })
      // The same round again would bring the same: the next event asks once more.
      const moved = this.#log.lastSeq > lastSeq
      if (!moved || this.#log.headSeq === this.#log.lastSeq) return
    }
  }
}
