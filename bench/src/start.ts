import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { startService, type Service, type ServiceProcess } from '../../scripts/servers/processes.ts'
import { startBackEnds } from './bench-cluster.ts'
import { percentile, type Figure } from './figures.ts'
import type { SuiteOptions } from './suite.ts'

const REACH_MS = 1500
const REACH_MB = 150
const IDLE_MS = 5000

/** From the start of a process to `/readyz` 200, warm, and the idle memory of a standalone one. */
export async function measureStart({ rounds }: SuiteOptions): Promise<Figure[]> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-bench-'))
  const backEnds = await startBackEnds()
  const standalone = {
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    DATA_DIR: dataDir,
    JWT_SECRET: randomBytes(48).toString('base64url'),
  }
  const figures = [
    ...(await measureStarts('standalone', standalone, rounds)),
    ...(await measureStarts('gateway', backEnds.env, rounds)),
    {
      name: 'standalone, resident memory, idle',
      value: await measureIdle(standalone),
      unit: 'MB',
      reach: REACH_MB,
    },
  ] as const
  await backEnds.stop()
  await rm(dataDir, { recursive: true })
  return [...figures]
}

async function measureStarts(
  service: Service,
  env: Record<string, string>,
  rounds: number,
): Promise<Figure[]> {
  const samples: number[] = []
  // The first one fills the caches and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    const startedAt = performance.now()
    const started = await startService(service, { env })
    if (round > 0) samples.push(performance.now() - startedAt)
    await started.stop()
  }
  return [
    {
      name: `${service}, start to ready, median`,
      value: percentile(samples, 0.5),
      unit: 'ms',
      reach: REACH_MS,
    },
    { name: `${service}, start to ready, slowest`, value: Math.max(...samples), unit: 'ms' },
  ]
}

async function measureIdle(env: Record<string, string>): Promise<number> {
  const started = await startService('standalone', { env })
  await sleep(IDLE_MS)
  const megabytes = await readMemory(started)
  await started.stop()
  return megabytes
}

async function readMemory({ pid }: ServiceProcess): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', `${pid}`])
  return Number(stdout) / 1024
}
