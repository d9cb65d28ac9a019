/** All replies of a process are read on the same beat. */
const BEAT_MS = 10

/**
 * Resolves about `gatherMs` from now, on a beat. A model that says a word each 16 ms is not worth a
 * way through the whole pipeline for each word: what it says meanwhile waits in the connection. On one
 * beat the deltas of many replies leave together, in one write and one read of everybody on their way.
 */
export function nextBeat(gatherMs: number): Promise<void> {
  const now = performance.now()
  const dueAt = Math.ceil((now + gatherMs) / BEAT_MS - 0.5) * BEAT_MS
  return new Promise((resolve) => {
    setTimeout(resolve, dueAt - now)
  })
}
