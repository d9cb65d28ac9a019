/** Says "types" again this often while the user goes on. */
const REPEAT_MS = 3000
/** Without another key for this long, the user is not typing any more. */
const IDLE_MS = 5000

export interface TypingSignal {
  onInput(): void
  /** The message was sent or taken back. */
  stop(): void
}

/** Tells others that this user types, without an event for every key. */
export function createTypingSignal(send: (typing: boolean) => void): TypingSignal {
  let saidAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const stop = (): void => {
    clearTimeout(timer)
    if (saidAt > 0) send(false)
    saidAt = 0
  }
  return {
    onInput() {
      clearTimeout(timer)
      timer = setTimeout(stop, IDLE_MS)
      if (Date.now() - saidAt < REPEAT_MS) return
      saidAt = Date.now()
      send(true)
    },
    stop,
  }
}
