import { backoffMs } from '@chatbox/core'

interface Late {
  channel: string
  text: string
  since: number
}

const MAX_WAITING = 1000
/** UTF-16 units of all texts together: more than six of the longest entries. */
const MAX_LENGTH = 8 * 1024 * 1024
/** By then the gateways' beacon has told of it. */
const MAX_AGE_MS = 30_000
const PAUSE = { baseMs: 50, maxMs: 500 }

/** What is about a log entry: the end of a draft, without which viewers wait for what is over. */
const LASTING: ReadonlySet<string> = new Set(['message:new', 'session:updated'])

/**
 * Publishes again what did not go out, one after the other, for up to 30 s. What was published after
 * all is published twice, which viewers tell by its `seq`. Beyond 1000 texts, or 8 million characters,
 * the oldest goes.
 */
export class Republisher {
  readonly #publish: (channel: string, text: string) => Promise<unknown>
  readonly #waiting: Late[] = []
  #length = 0
  #isRunning = false

  constructor(publish: (channel: string, text: string) => Promise<unknown>) {
    this.#publish = publish
  }

  /** Takes a publication that failed, where its event is worth anything late. */
  add(event: string, channel: string, text: string): void {
    if (!LASTING.has(event)) return
    this.#waiting.push({ channel, text, since: performance.now() })
    this.#length += text.length
    while (this.#waiting.length > MAX_WAITING || this.#length > MAX_LENGTH) this.#shift()
    if (!this.#isRunning) void this.#run()
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    while (this.#waiting.length > 0) this.#shift()
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    let failures = 1
    while (this.#waiting.length > 0) {
      if (failures > 0) await pause(backoffMs(failures, PAUSE, Math.random))
      // What waited before the pause may have had to go.
      const [late] = this.#waiting
      if (!late) break
      const isOver = (await this.#tryAgain(late)) || performance.now() - late.since > MAX_AGE_MS
      failures = isOver ? 0 : failures + 1
      if (isOver && this.#waiting[0] === late) this.#shift()
    }
    this.#isRunning = false
  }

  async #tryAgain({ channel, text }: Late): Promise<boolean> {
    try {
      await this.#publish(channel, text)
      return true
    } catch {
      return false
    }
  }

  #shift(): void {
    this.#length -= this.#waiting.shift()?.text.length ?? 0
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref())
}
