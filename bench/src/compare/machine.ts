import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

export interface Machine {
  processor: string
  cores: number
  memoryGb: number
  node: string
  kernel: string
  /** What else kept it busy when the run began: the load average of a minute. */
  load: number
}

export async function readMachine(): Promise<Machine> {
  const kernel = await readFile('/proc/sys/kernel/osrelease', 'utf8').catch(() => 'unknown')
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    kernel: kernel.trim(),
    load: loadavg()[0] ?? Number.NaN,
  }
}
