import { fileURLToPath } from 'node:url'
import type { ProcessOptions } from '../../environment/servers/processes.ts'
import type { CheckName, Safety } from '../history.ts'

/** A safety, and how its absence shows in a run of the profile `control`. */
export interface Control {
  without: Safety
  /** What is left out, in one line. */
  title: string
  /** At least one of these checks must find something. */
  expects: readonly CheckName[]
}

export const CONTROLS: readonly Control[] = [
  {
    without: 'dedupe',
    title: 'a message that is sent again is stored again',
    expects: ['duplicated'],
  },
  {
    without: 'resync',
    title: 'nobody catches up with what came while they were away',
    expects: ['catch-up'],
  },
  {
    without: 'durable-ack',
    title: 'a message is acknowledged half a second before it is written',
    expects: ['lost', 'acknowledged-without-row'],
  },
  {
    without: 'fence',
    title: 'a worker that slept past its lease goes on writing under the attempt that is current',
    expects: ['answer-text', 'attempts', 'answers'],
  },
  {
    without: 'reconciler',
    title: 'nobody looks for a question whose job is lost',
    expects: ['answers'],
  },
  {
    without: 'queue',
    title: "BullMQ's own lock and stall settings, and no reconciler to do its work",
    expects: ['answers'],
  },
]

/** Returns how to start a process of the product without one safety. */
export function entryOf(
  service: 'gateway' | 'worker',
  without: Safety,
): Pick<ProcessOptions, 'entry' | 'args'> {
  return {
    entry: fileURLToPath(new URL(`${service}-main.ts`, import.meta.url)),
    args: [`--without=${without}`],
  }
}
