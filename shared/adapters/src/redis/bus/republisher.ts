import { backoffMs } from '@chatbox/core'

/** What is published: a text or bytes. */
export type Payload = string | Buffer

interface Late {
  channel: string
  payload: Payload
  since: number
}

export const MAX_WAITING = 1000
/** In UTF-16 units or bytes of all payloads together: more than six of the longest entries. */
export const MAX_LENGTH = 8 * 1024 * 1024
/** By then the gateways' beacon has reported the entry. */
export const MAX_AGE_MS = 30_000
const PAUSE = { baseMs: 50, maxMs: 500 }

/** Events about a log entry, and the end of a draft, without which viewers would keep waiting. */
const LASTING: ReadonlySet<string> = new Set(['message:new', 'session:updated'])

/**
 * Retries failed publications one after another for up to 30 s. One that did arrive is published
 * twice, which viewers notice by its `seq`. Beyond 1000 texts or 8 million characters it drops the
 * oldest.
 */
export class Republisher {
  readonly #publish: (channel: string, payload: Payload) => Promise<unknown>
  readonly #waiting: Late[] = []
  #length = 0
  #isRunning = false

  constructor(publish: (channel: string, payload: Payload) => Promise<unknown>) {
    this.#publish = publish
  }

  /** Accepts a failed publication if its event is still useful later. */
  add(event: string, channel: string, payload: Payload): void {
    if (!LASTING.has(event)) return
    this.#waiting.push({ channel, payload, since: performance.now() })
    this.#length += payload.length
    while (this.#waiting.length > MAX_WAITING || this.#length > MAX_LENGTH) this.#shift()
    if (!this.#isRunning) void this.#run()
  }

  /** Drops what is waiting. */
  async close(): Promise<void> {
    while (this.#waiting.length > 0) this.#shift()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    let failures = 1
    while (this.#waiting.length > 0) {
      if (failures > 0) await pause(backoffMs(failures, PAUSE, Math.random))
      // The item that waited before the pause may have been dropped.
      const [late] = this.#waiting
      if (!late) break
      const isOver = (await this.#tryAgain(late)) || performance.now() - late.since > MAX_AGE_MS
      failures = isOver ? 0 : failures + 1
      if (isOver && this.#waiting[0] === late) this.#shift()
    }
    this.#isRunning = false
  }

  async #tryAgain({ channel, payload }: Late): Promise<boolean> {
    try {
      await this.#publish(channel, payload)
      return true
    } catch {
      return false
    }
  }

  #shift(): void {
    this.#length -= this.#waiting.shift()?.payload.length ?? 0
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
