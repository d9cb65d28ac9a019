import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild, type Child, type ChildOptions } from './child.ts'
import { findFreePort } from './ports.ts'

export type Service = 'gateway' | 'worker' | 'standalone'

export interface ProcessOptions extends Pick<ChildOptions, 'onLine'> {
  /** Settings. Nothing else reaches the process but what a program needs to run at all. */
  env: Record<string, string>
  /** Where it looks for a `.env` file; by default where there is none. */
  cwd?: string
  /** For messages about it; the service's name where there is one of it. */
  name?: string
  /** Another program than the service's own, such as one with a part left out: an absolute path. */
  entry?: string
  /** What that program is told on its command line. */
  args?: readonly string[]
  /** How long it may take until it is ready. */
  readyTimeoutMs?: number
}

export interface ServiceProcess extends Child {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly managementPort: number
  /** `http://127.0.0.1:PORT`; nothing listens there for a worker. */
  readonly url: string
}

const READY_TIMEOUT_MS = 30_000
const POLL_MS = 25
const PROBE_TIMEOUT_MS = 2000
const ENDS_WITHIN_MS = 20_000
/** What a program needs from its surroundings, and what measures its coverage. */
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'LANG',
  'SystemRoot',
  'NODE_V8_COVERAGE',
  'NODE_DISABLE_COMPILE_CACHE',
]

/**
 * Starts a service as its own process on free ports of 127.0.0.1 and waits until `/readyz` answers
 * 200. When it ends before that, or takes too long, it is ended and the error carries its output.
 */
export async function startService(
  service: Service,
  options: ProcessOptions,
): Promise<ServiceProcess> {
  const started = await launchService(service, options)
  await waitUntilReady(started, options.readyTimeoutMs)
  return started
}

/** As `startService`, without waiting: for a process that is not meant to become ready. */
export async function launchService(
  service: Service,
  { env, name = service, entry = entryOf(service), ...options }: ProcessOptions,
): Promise<ServiceProcess> {
  const port = Number(env.PORT ?? (await findFreePort()))
  const managementPort = Number(env.MANAGEMENT_PORT ?? (await findFreePort()))
  const child = startProgram(entry, options.args ?? [], {
    ...options,
    env: { PORT: String(port), MANAGEMENT_PORT: String(managementPort), ...env },
  })
  const url = `http://127.0.0.1:${port}`
  return { ...child, name, pid: child.pid ?? 0, port, managementPort, url }
}

/** Waits for `/readyz` of a process that runs; when that does not come, ends it and says why. */
export async function waitUntilReady(
  service: ServiceProcess,
  timeoutMs: number = READY_TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline && service.isRunning()) {
    if (await isReady(service)) return
    await sleep(POLL_MS)
  }
  const hasEnded = !service.isRunning()
  const { signal, code } = await service.kill()
  const what = hasEnded
    ? `ended with ${signal ?? `exit code ${code}`} before it was ready`
    : `was not ready after ${timeoutMs} ms`
  throw new Error(`${service.name} ${what}\n${service.output()}`)
}

export async function isReady({
  managementPort,
}: Pick<ServiceProcess, 'managementPort'>): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${managementPort}/readyz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

export interface EndedProcess {
  code: number | null
  stdout: string
  stderr: string
}

/** Runs a program that is expected to end by itself, with nothing but `env` for settings. */
export async function runEntry(
  service: Service | 'migrate' | 'probe',
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<EndedProcess> {
  const printed = { stdout: '', stderr: '' }
  const onLine = (line: string, stream: keyof typeof printed): void => {
    printed[stream] += `${line}\n`
  }
  const child = startProgram(entryOf(service), args, { env, onLine })
  const timer = setTimeout(() => child.signal('SIGKILL'), ENDS_WITHIN_MS)
  const { code } = await child.exited
  clearTimeout(timer)
  return { code, ...printed }
}

function entryOf(service: string): string {
  return fileURLToPath(new URL(`../../../services/${service}/src/main.ts`, import.meta.url))
}

/** A program of this repository, in a folder without a `.env` file unless told otherwise. */
function startProgram(
  entry: string,
  args: readonly string[],
  { cwd = tmpdir(), env = {}, onLine }: ChildOptions,
): Child {
  return startChild(process.execPath, ['--conditions=chatbox-source', entry, ...args], {
    cwd,
    env: { ...inherited(), ...env },
    ...(onLine && { onLine }),
  })
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
