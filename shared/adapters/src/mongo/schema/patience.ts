/** How long a migration may go on, told what becomes of it. */
export interface Patience {
  /** The store answered: the database has this version. */
  sees(version: number): void
  /** A step is under way, here or in another process. */
  goesOn(): void
  /** A step was tried and failed. */
  fails(): void
  isOver(): boolean
}

/**
 * Ends `withinMs` after the store last answered or a step was last under way. Once a step has failed only a finished one counts,
 * and it ends `withinMs` after that, or after the first answer: a server that goes on answering
 * while no step succeeds would else be asked for ever.
 */
export function createPatience(withinMs: number, now = () => performance.now()): Patience {
  let finishedAt = now()
  let answeredAt = finishedAt
  let version: number | undefined
  let hasFailed = false
  return {
    sees(seen) {
      answeredAt = now()
      if (seen === version) return
      version = seen
      finishedAt = answeredAt
      hasFailed = false
    },
    goesOn() {
      answeredAt = now()
    },
    fails() {
      hasFailed = true
    },
    isOver: () => now() - (hasFailed ? finishedAt : answeredAt) >= withinMs,
  }
}
