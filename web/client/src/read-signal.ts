/** Reading goes on: one receipt tells of all that came within this time. */
const DELAY_MS = 1000

export interface ReadSignal {
  /** The user has seen the log up to this entry. */
  onRead(seq: number): void
  /** Tells again what could not be told, such as after a reconnect. */
  repeat(): void
  /** What was seen of one session says nothing about the next. */
  reset(): void
}

/** Tells others how far this user has read, without an event for every entry. */
export function createReadSignal(send: (seq: number) => Promise<unknown>): ReadSignal {
  let seen = 0
  let told = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const tell = (): void => {
    timer = undefined
    const seq = seen
    if (seq <= told) return
    const before = told
    told = seq
    send(seq).catch(() => {
      // Nothing was told, unless something further has been, or another session is shown.
      if (told === seq) told = before
    })
  }
  return {
    onRead(seq) {
      if (seq <= seen) return
      seen = seq
      timer ??= setTimeout(tell, DELAY_MS)
    },
    repeat: () => {
      if (seen > told) timer ??= setTimeout(tell, DELAY_MS)
    },
    reset() {
      clearTimeout(timer)
      timer = undefined
      seen = 0
      told = 0
    },
  }
}
