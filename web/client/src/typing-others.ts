import type { ServerPayload } from '@chatbox/contract'
import { createObservable } from './observable.ts'

export type Typist = ServerPayload<'typing'>['from']

/** The end of typing may be lost: nobody types for longer than this without saying so again. */
const EXPIRY_MS = 8000
const MAX_TYPISTS = 20

/** Who else types in the session that is shown. */
export class TypingOthers {
  readonly #shown = createObservable<readonly Typist[]>([])
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  get typists(): readonly Typist[] {
    return this.#shown.get()
  }

  subscribe(listener: () => void): () => void {
    return this.#shown.subscribe(listener)
  }

  apply({ from, typing }: ServerPayload<'typing'>): void {
    this.remove(from.id)
    if (!typing || this.#timers.size >= MAX_TYPISTS) return
    this.#timers.set(
      from.id,
      setTimeout(() => this.remove(from.id), EXPIRY_MS),
    )
    this.#shown.set([...this.typists, from])
  }

  /** Also when a message of this person arrives: it is what was being typed. */
  remove(id: string): void {
    clearTimeout(this.#timers.get(id))
    if (this.#timers.delete(id)) this.#shown.set(this.typists.filter((one) => one.id !== id))
  }

  clear(): void {
    for (const id of [...this.#timers.keys()]) this.remove(id)
  }
}
