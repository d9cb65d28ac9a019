/** Runs what it is given: at once, or when one that runs has ended. */
export type Turns = (run: () => Promise<void>) => Promise<void>

/** At most `limit` run at once, the others in the order in which they came. */
export function createTurns(limit: number): Turns {
  const waiting: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      await run()
    } finally {
      // Whoever comes next takes over the place, so nobody else gets in between.
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
