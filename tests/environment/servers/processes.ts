import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startChild, type Child, type ChildOptions } from './child.ts'
import { findFreePort } from './ports.ts'

export type Service = 'gateway' | 'worker' | 'standalone'

export interface ProcessOptions extends Pick<ChildOptions, 'onLine'> {
  /** The settings. Apart from these the process gets only what every program needs to run. */
  env: Record<string, string>
  /** The folder of its `.env` file; by default one without such a file. */
  cwd?: string
  /** The name in messages; the service's name by default. */
  name?: string
  /** The absolute path of a program to run instead of the service's own. */
  entry?: string
  /** The command line of that program. */
  args?: readonly string[]
  /** How long it may take to become ready. */
  readyTimeoutMs?: number
}

export interface ServiceProcess extends Child {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly managementPort: number
  /** `http://127.0.0.1:PORT`. A worker does not listen there. */
  readonly url: string
}

const READY_TIMEOUT_MS = 30_000
const POLL_MS = 25
const PROBE_TIMEOUT_MS = 2000
const ENDS_WITHIN_MS = 20_000
/** What a program needs from its environment, and the settings for coverage. */
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
 * 200. If it ends first or takes too long, stops it and rejects with its output.
 */
export async function startService(
  service: Service,
  options: ProcessOptions,
): Promise<ServiceProcess> {
  const started = await launchService(service, options)
  await waitUntilReady(started, options.readyTimeoutMs)
  return started
}

/** Does the same as `startService` without waiting, for a process that should not become ready. */
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

/** Waits for `/readyz` of a running process. If it does not become ready, stops it and says why. */
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

/** Runs a program that ends by itself, with only `env` as settings. */
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

/** A program of this repository, by default in a folder without a `.env` file. */
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
