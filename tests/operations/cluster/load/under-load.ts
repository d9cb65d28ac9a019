import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { checkHistory } from '../../../fault/checkers/check-history.ts'
import {
  openLines,
  openRecorder,
  readLines,
  type CheckReport,
  type FinalRead,
  type HistoryEvent,
  type Recorder,
} from '../../../fault/history.ts'
import type { Load } from '../../../fault/profiles.ts'
import { createRandom } from '../../../fault/random.ts'
import { SessionPool } from '../../../fault/load/session-pool.ts'
import type { SystemUnderTest } from '../../../fault/system/system-under-test.ts'
import { waitUntil } from '../../../environment/wait-until.ts'

/** 167 sessions of three viewers each: 501 sockets. 26 of them always want an answer. */
export const LOAD: Load = {
  ask: { sessions: 26, everyMs: 1500 },
  talk: { sessions: 141, everyMs: 12_000 },
  dropShare: 0.2,
  longShare: 1,
  longTokens: [60, 120],
  tokenIntervalMs: 100,
  stopShare: 0.02,
  settleTimeoutMs: 60_000,
}
/** Of the sessions that want an answer some have just got theirs. */
const STREAMS_AT_LEAST = 20
const STREAMS_TIMEOUT_MS = 30_000
const NANOSECONDS_PER_MS = 1_000_000

export interface LoadOptions {
  /** Gets the history and what every reader has in the end. */
  folder: string
  open(recorder: Recorder): Promise<SystemUnderTest>
  report: (line: string) => void
}

export interface LoadOutcome {
  checks: CheckReport
  history: HistoryEvent[]
  sockets: number
  /** What did not come to rest in time. */
  notes: string[]
  /** How late this process, which is all of the clients, came to its own work at the worst. */
  lateMs: number
}

/** What can be seen and noted while the load goes on. */
export interface Underway {
  recorder: Recorder
  system: SystemUnderTest
  /** Sockets that are connected now. */
  online(): number
}

/** Opens the sessions, does `during` while they talk, waits for rest and holds all against all. */
export async function runUnderLoad(
  options: LoadOptions,
  during: (underway: Underway) => Promise<void>,
): Promise<LoadOutcome> {
  const files = {
    history: join(options.folder, 'history.jsonl'),
    reads: join(options.folder, 'reads.jsonl'),
  }
  const recorder = openRecorder(files.history)
  const away = noteAway(recorder)
  const reads = openLines(files.reads)
  const keepRead = (read: FinalRead): void => reads.write(read)
  const outcome = await drive({ ...options, recorder, away, keepRead }, during).finally(
    async () => {
      await recorder.close()
      await reads.close()
    },
  )
  const history = await readLines<HistoryEvent>(files.history)
  const checks = checkHistory(history, await readLines<FinalRead>(files.reads))
  return { checks, history, ...outcome }
}

async function drive(
  options: LoadOptions & {
    recorder: Recorder
    away: ReadonlySet<string>
    keepRead: (read: FinalRead) => void
  },
  during: (underway: Underway) => Promise<void>,
): Promise<Pick<LoadOutcome, 'sockets' | 'notes' | 'lateMs'>> {
  const { recorder, away, report, keepRead } = options
  const system = await options.open(recorder)
  const pool = new SessionPool({
    ...{ system, profile: LOAD, recorder, random: createRandom(1) },
    ...{ report, keepRead },
  })
  try {
    await pool.start()
    await waitUntil(() => system.models.streaming() >= STREAMS_AT_LEAST, STREAMS_TIMEOUT_MS)
    const sockets = pool.viewers().length
    const online = (): number => sockets - away.size
    const delays = monitorEventLoopDelay()
    delays.enable()
    await during({ recorder, system, online })
    delays.disable()
    const lateMs = Math.round(delays.max / NANOSECONDS_PER_MS)
    return { sockets, notes: await pool.finish(), lateMs }
  } finally {
    pool.close()
    await system.stop()
  }
}

/** Viewers without a connection at this moment: one that is being drained still has its own. */
function noteAway(recorder: Recorder): ReadonlySet<string> {
  const away = new Set<string>()
  const record = recorder.record.bind(recorder)
  recorder.record = (event) => {
    if (event.op === 'viewer' && event.phase === 'lost') away.add(event.process)
    if (event.op === 'viewer' && event.phase === 'ready') away.delete(event.process)
    record(event)
  }
  return away
}
