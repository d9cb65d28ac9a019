import { Timer } from '../timer.ts'

/** Reading goes on: one receipt tells of all that came within this time. */
const DELAY_MS = 1000

export interface ReadSignal {
  /** The user has seen the log up to this entry. */
  onRead(seq: number): void
  /** Tells again what could not be told, such as after a reconnect. */
  repeat(): void
  /** The session is not looked at any more. */
  stop(): void
}

/** Tells others how far this user has read, without an event for every entry. */
export function createReadSignal(send: (seq: number) => Promise<unknown>): ReadSignal {
  let seen = 0
  let told = 0
  const timer = new Timer()
  const tell = (): void => {
    const seq = seen
    if (seq <= told) return
    const before = told
    told = seq
    send(seq).catch(() => {
      // Nothing was told, unless something further has been.
      if (told === seq) told = before
    })
  }
  return {
    onRead(seq) {
      if (seq <= seen) return
      seen = seq
      if (!timer.isRunning) timer.start(DELAY_MS, tell)
    },
    repeat() {
      if (seen > told && !timer.isRunning) timer.start(DELAY_MS, tell)
    },
    stop: () => timer.stop(),
  }
}
