import { fileURLToPath } from 'node:url'
import { entryIn } from '../../../scripts/versions.ts'
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
  const entry = findEntry(service, env)
  const options = { env: { ...PROFILING, ...env }, name, ...(entry === undefined ? {} : { entry }) }
  return pinned(await startService(service, options))
}

/** Of the product without a part, or as it is in another folder; undefined for the product itself. */
function findEntry(service: Service, env: Record<string, string>): string | undefined {
  if (env.BENCH_FOLDER !== undefined) return entryIn(env.BENCH_FOLDER, service)
  if (env.BENCH_WITHOUT === undefined) return undefined
  return fileURLToPath(new URL(`ours/${service}-main.ts`, import.meta.url))
}

async function pinned(started: ServiceProcess): Promise<ServiceProcess> {
  await pin(started.pid, SERVER_CORE)
  return started
}
