import type { ServerPayload } from '@chatbox/contract'
import { Timer } from '../timer.ts'

export type Typist = ServerPayload<'typing'>['from']

/** The end of typing may be lost: nobody types for longer than this without saying so again. */
const EXPIRY_MS = 8000
const MAX_TYPISTS = 20

/** Who else types in one session. */
export class TypingOthers {
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
    timer.start(EXPIRY_MS, () => this.remove(from.id))
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
