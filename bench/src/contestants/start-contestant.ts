import { fileURLToPath } from 'node:url'
import {
  startService,
  type Service,
  type ServiceProcess,
} from '../../../scripts/servers/processes.ts'
import { pin, SERVER_CORE } from '../measure/cpu.ts'

interface ContestantOptions {
  env: Record<string, string>
  name?: string
}

/** With `BENCH_CPU_PROF` each process of the product writes a CPU profile there when it ends. */
const PROFILING: Record<string, string> = process.env.BENCH_CPU_PROF
  ? { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${process.env.BENCH_CPU_PROF}` }
  : {}

/** A program of this folder as its own process, on the servers' core. */
export async function startContestant(
  file: string,
  { env, name = file }: ContestantOptions,
): Promise<ServiceProcess> {
  const entry = fileURLToPath(new URL(file, import.meta.url))
  return pinned(await startService('gateway', { env, name, entry }))
}

/** A process of the product, on the servers' core. */
export async function startOurs(
  service: Service,
  { env, name = service }: Partial<ContestantOptions> & Pick<ContestantOptions, 'env'>,
): Promise<ServiceProcess> {
  const isWhole = env.BENCH_WITHOUT === undefined
  const file = new URL(`ours/${service}-main.ts`, import.meta.url)
  const entry = isWhole ? {} : { entry: fileURLToPath(file) }
  return pinned(await startService(service, { env: { ...PROFILING, ...env }, name, ...entry }))
}

async function pinned(started: ServiceProcess): Promise<ServiceProcess> {
  await pin(started.pid, SERVER_CORE)
  return started
}
