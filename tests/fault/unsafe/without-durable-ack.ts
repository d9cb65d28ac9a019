import type { Backend, StorePorts } from '@chatbox/adapters'
import { notFound, type Appended, type NewEntry } from '@chatbox/core'
import { setTimeout as sleep } from 'node:timers/promises'
import { override } from '../../environment/override.ts'

/** As long as a system with batched writes waits; long enough for a process to die in it. */
const WRITE_DELAY_MS = 500
const MAX_REMEMBERED = 50_000

/** Acknowledges a message at once and writes it a little later, if the process still lives. */
export function withoutDurableAck(backend: Backend): Backend {
  const writes = new LateWrites(backend)
  return {
    ...backend,
    messages: override(backend.messages, { append: (entry) => writes.append(entry) }),
  }
}

class LateWrites {
  readonly #store: Pick<StorePorts, 'sessions' | 'messages'>
  readonly #answered = new Map<string, Appended>()
  readonly #waiting = new Map<string, number>()

  constructor(store: Pick<StorePorts, 'sessions' | 'messages'>) {
    this.#store = store
  }

  async append(entry: NewEntry): Promise<Appended> {
    const { clientMessageId, sessionId } = entry.message
    if (clientMessageId === undefined) return this.#store.messages.append(entry)
    const key = `${sessionId}/${clientMessageId}`
    const first = this.#answered.get(key)
    if (first) return { ...first, appended: false }
    const appended = await this.#promise(entry)
    const raced = this.#answered.get(key)
    if (raced) return { ...raced, appended: false }
    this.#remember(key, appended)
    void this.#writeLater(entry)
    return appended
  }

  /** The expected answer of the write. */
  async #promise(entry: NewEntry): Promise<Appended> {
    const { sessionId } = entry.message
    const session = await this.#store.sessions.find(sessionId)
    if (!session) throw notFound()
    const lastSeq = session.lastSeq + 1 + (this.#waiting.get(sessionId) ?? 0)
    const message = { ...entry.message, seq: lastSeq }
    return { message, session: { ...session, lastSeq }, appended: true }
  }

  #remember(key: string, appended: Appended): void {
    const [oldest] = this.#answered.keys()
    if (oldest !== undefined && this.#answered.size >= MAX_REMEMBERED) this.#answered.delete(oldest)
    this.#answered.set(key, appended)
  }

  async #writeLater(entry: NewEntry): Promise<void> {
    const { sessionId } = entry.message
    this.#waiting.set(sessionId, (this.#waiting.get(sessionId) ?? 0) + 1)
    await sleep(WRITE_DELAY_MS)
    // There is nobody left to report a failure to.
    await this.#store.messages.append(entry).catch(() => undefined)
    const left = (this.#waiting.get(sessionId) ?? 1) - 1
    if (left > 0) this.#waiting.set(sessionId, left)
    else this.#waiting.delete(sessionId)
  }
}
