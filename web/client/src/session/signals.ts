import type { ServerPayload } from '@chatbox/contract'
import { Timer } from '../timer.ts'

/** Says "types" again this often while the user goes on. */
const TYPING_REPEAT_MS = 3000
/** Without another key for this long, the user is not typing any more. */
const TYPING_IDLE_MS = 5000

/** Tells others that this user types, without an event for every key. */
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

  /** The message was sent or taken back. */
  stop(): void {
    if (this.#saidAt > 0) this.#send(false)
    this.forget()
  }

  /** The connection that was told is gone, and the next one may be another user's. */
  forget(): void {
    this.#timer.stop()
    this.#saidAt = 0
  }
}

export type Typist = ServerPayload<'typing'>['from']

/** The end of typing may be lost: nobody types for longer than this without saying so again. */
const TYPIST_EXPIRY_MS = 8000
const MAX_TYPISTS = 20

/** Who else types in one session. */
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

  /** Also when a message of this person arrives: it is what was being typed. */
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

/** Reading goes on: one receipt tells of all that came within this time. */
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

  /** The user has seen the log up to this entry. */
  onRead(seq: number): void {
    if (seq <= this.#seen) return
    this.#seen = seq
    this.repeat()
  }

  /** Tells what was not told yet, such as what could not be told without a connection. */
  repeat(): void {
    if (this.#seen > this.#told && !this.#timer.isRunning) {
      this.#timer.start(READ_DELAY_MS, () => this.#tell(this.#seen))
    }
  }

  /** The session is not looked at any more. */
  stop(): void {
    this.#timer.stop()
  }

  #tell(seq: number): void {
    const before = this.#told
    this.#told = seq
    this.#send(seq).catch(() => {
      // Nothing was told, unless something further has been.
      if (this.#told === seq) this.#told = before
    })
  }
}
