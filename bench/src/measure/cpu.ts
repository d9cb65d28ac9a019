import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'

/**
 * CPU time that each thread of a process has used since its start, user and system, in microseconds.
 * From the scheduler, because `/proc/PID/stat` counts in steps of 10 ms, which are several percent of
 * a slice. The time of a thread that ends within a slice is not counted.
 */
async function readThreadsUs(pid: number): Promise<Map<string, number>> {
  const used = new Map<string, number>()
  for (const thread of await readdir(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${thread}/schedstat`
    const stat = await readFile(path, 'utf8').catch(() => undefined)
    if (stat !== undefined) used.set(thread, Number.parseInt(stat, 10) / 1000)
  }
  if (!used.has(String(pid))) throw new Error(`process ${pid} ended, or Linux keeps no schedstat`)
  return used
}

export type Pids = Readonly<Record<string, number | undefined>>

export interface CpuUse {
  /** Microseconds per unit of work, in these parts or in all our processes. */
  per: (units: number, ...parts: string[]) => number
  /**
   * The load client's own CPU use, in cores. From 0.8 on, the client is the limit and not the
   * server.
   */
  clientCores: number
}

/** Starts to measure the processes. The returned function ends the measurement. */
export async function startCpuMeter(pids: Pids): Promise<() => Promise<CpuUse>> {
  const before = await readAll(pids)
  const ownBefore = process.cpuUsage()
  const startedAt = performance.now()
  return async () => {
    const own = process.cpuUsage(ownBefore)
    const elapsedUs = (performance.now() - startedAt) * 1000
    const after = await readAll(pids)
    return {
      per(units, ...parts) {
        const counted = parts.length === 0 ? Object.keys(after) : parts
        const used = counted.map((part) => countUs(before[part], after[part]))
        return used.reduce((sum, us) => sum + us, 0) / units
      },
      clientCores: (own.user + own.system) / elapsedUs,
    }
  }
}

async function readAll(pids: Pids): Promise<Record<string, Map<string, number>>> {
  const read = Object.entries(pids).map(async ([part, pid]) =>
    pid === undefined ? [] : [[part, await readThreadsUs(pid)] as const],
  )
  return Object.fromEntries((await Promise.all(read)).flat())
}

function countUs(
  before: Map<string, number> | undefined,
  after = new Map<string, number>(),
): number {
  return [...after].reduce((sum, [thread, us]) => sum + us - (before?.get(thread) ?? 0), 0)
}

/** The servers under test have one core to themselves, everything else has the other. */
export const SERVER_CORE = 0
export const OTHER_CORE = 1

/** Binds a process with all its threads to one core, if the system allows it. */
export async function pin(pid: number | undefined, core: number): Promise<void> {
  if (pid === undefined || availableParallelism() < 2) return
  await promisify(execFile)('taskset', ['-acp', String(core), String(pid)]).catch(() => undefined)
}
