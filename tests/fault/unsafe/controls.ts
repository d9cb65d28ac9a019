import type { CheckName, Safety } from '../history.ts'
import type { ClusterProfile } from '../profiles.ts'

/** A safety, and the run in which its absence shows soon. */
export interface Control {
  without: Safety
  /** What is left out, in one line. */
  title: string
  /** The faults that bring it out; the same run with the safety has them too. */
  only: readonly string[]
  changes: Partial<Omit<ClusterProfile, 'kind'>>
  /** At least one of these checks has to find something. */
  expects: readonly CheckName[]
}

/** What is still open when rest does not come in this time stays so. */
const SHORT = { durationMs: 45_000, settleTimeoutMs: 60_000 }

export const CONTROLS: readonly Control[] = [
  {
    without: 'dedupe',
    title: 'a message that is sent again is stored again',
    only: ['link-reset', 'gateway-kill'],
    changes: SHORT,
    expects: ['duplicated'],
  },
  {
    without: 'resync',
    title: 'nobody catches up with what came while they were away',
    only: ['link-reset', 'gateway-kill', 'redis-drop-subscribers'],
    changes: SHORT,
    expects: ['catch-up'],
  },
  {
    without: 'durable-ack',
    title: 'a message is acknowledged half a second before it is written',
    only: ['gateway-kill'],
    changes: SHORT,
    expects: ['lost', 'acknowledged-without-row'],
  },
  {
    without: 'fence',
    title: 'a worker that slept past its lease goes on writing under the attempt that is current',
    only: ['worker-zombie'],
    // Awake again while the next attempt is being written.
    changes: {
      ...SHORT,
      ...{ lanes: 1, pauseMs: 1500, maxHoldMs: 10_000, longTokens: [300, 500] },
      settleTimeoutMs: 120_000,
    },
    expects: ['answer-text', 'attempts', 'answers'],
  },
  {
    without: 'reconciler',
    title: 'nobody looks for a question whose job is lost',
    only: ['redis-flush', 'redis-kill', 'worker-kill'],
    changes: { ...SHORT, lanes: 1, pauseMs: 3000 },
    expects: ['answers'],
  },
  {
    without: 'queue',
    title: "BullMQ's own lock and stall settings, and no reconciler to do its work",
    only: ['worker-kill'],
    // Longer than a lock of 30 s and a look for stalled jobs every 30 s.
    changes: { ...SHORT, lanes: 2, pauseMs: 3000, settleTimeoutMs: 90_000 },
    expects: ['answers'],
  },
]
