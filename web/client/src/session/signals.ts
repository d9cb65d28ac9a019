import type { ServerPayload } from '@chatbox/contract'
import { Timer } from '../timer.ts'

/** How often the typing signal is repeated while the user types. */
const TYPING_REPEAT_MS = 3000
/** How long after the last key the user counts as no longer typing. */
const TYPING_IDLE_MS = 5000

/** Tells others that this user is typing, without an event for every key. */
export class TypingSignal {
  readonly #send: (typing: boolean) => void
  readonly #timer = new Timer()
  #saidAt = 0

  constructor(send: (typing: boolean) => void) {
    this.#send = send
  }

  onInput(): void {
    this.#timer.start(TYPING_IDLE_MS, () => this.stop())
    if (Date.now() - this.#saidAt < TYPING_REPEAT_MS) return
    this.#saidAt = Date.now()
    this.#send(true)
  }

  /** Ends typing, because the message was sent or deleted. */
  stop(): void {
    if (this.#saidAt > 0) this.#send(false)
    this.forget()
  }

  /** Forgets the signal, because the next connection may be another user's. */
  forget(): void {
    this.#timer.stop()
    this.#saidAt = 0
  }
}

export type Typist = ServerPayload<'typing'>['from']

/** The end of typing may be lost, so a typist without a new signal is dropped after this time. */
const TYPIST_EXPIRY_MS = 8000
const MAX_TYPISTS = 20

/** The other users who are typing in one session. */
export class Typists {
  readonly #onChange: (typists: readonly Typist[]) => void
  readonly #timers = new Map<string, Timer>()
  #typists: readonly Typist[] = []

  constructor(onChange: (typists: readonly Typist[]) => void) {
    this.#onChange = onChange
  }

  apply({ from, typing }: ServerPayload<'typing'>): void {
    this.remove(from.id)
    if (!typing || this.#timers.size >= MAX_TYPISTS) return
    const timer = new Timer()
    timer.start(TYPIST_EXPIRY_MS, () => this.remove(from.id))
    this.#timers.set(from.id, timer)
    this.#show([...this.#typists, from])
  }

  /** Also called when this person's message arrives, because that is the typed text. */
  remove(id: string): void {
    this.#timers.get(id)?.stop()
    if (this.#timers.delete(id)) this.#show(this.#typists.filter((one) => one.id !== id))
  }

  clear(): void {
    for (const id of [...this.#timers.keys()]) this.remove(id)
  }

  #show(typists: readonly Typist[]): void {
    this.#typists = typists
    this.#onChange(typists)
  }
}

/** One receipt covers everything that was read within this time. */
const READ_DELAY_MS = 1000

/** Tells others how far this user has read, without an event for every entry. */
export class ReadSignal {
  readonly #send: (seq: number) => Promise<unknown>
  readonly #timer = new Timer()
  #seen = 0
  #told = 0

  constructor(send: (seq: number) => Promise<unknown>) {
    this.#send = send
  }

  /** Call this when the user has read the log up to `seq`. */
  onRead(seq: number): void {
    if (seq <= this.#seen) return
    this.#seen = seq
    this.repeat()
  }

  /** Sends a receipt that could not be sent, for example without a connection. */
  repeat(): void {
    if (this.#seen > this.#told && !this.#timer.isRunning) {
      this.#timer.start(READ_DELAY_MS, () => this.#tell(this.#seen))
    }
  }

  /** Stops because the session is no longer shown. */
  stop(): void {
    this.#timer.stop()
  }

  #tell(seq: number): void {
    const before = this.#told
    this.#told = seq
    this.#send(seq).catch(() => {
      // The receipt was not sent, unless a later one was.
      if (this.#told === seq) this.#told = before
    })
  }
}
