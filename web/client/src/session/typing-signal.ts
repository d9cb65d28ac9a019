import { Timer } from '../timer.ts'

/** Says "types" again this often while the user goes on. */
const REPEAT_MS = 3000
/** Without another key for this long, the user is not typing any more. */
const IDLE_MS = 5000

export interface TypingSignal {
  onInput(): void
  /** The message was sent or taken back. */
  stop(): void
  /** The connection that was told is gone, and the next one may be another user's. */
  forget(): void
}

/** Tells others that this user types, without an event for every key. */
export function createTypingSignal(send: (typing: boolean) => void): TypingSignal {
  let saidAt = 0
  const timer = new Timer()
  const forget = (): void => {
    timer.stop()
    saidAt = 0
  }
  const stop = (): void => {
    if (saidAt > 0) send(false)
    forget()
  }
  return {
    onInput() {
      timer.start(IDLE_MS, stop)
      if (Date.now() - saidAt < REPEAT_MS) return
      saidAt = Date.now()
      send(true)
    },
    stop,
    forget,
  }
}
