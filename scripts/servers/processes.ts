import { spawn, type ChildProcess } from 'node:child_process'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThisProcess } from './end-with-this-process.ts'
import { findFreePort } from './free-port.ts'
import { createOutput, type Output } from './output.ts'

export type Service = 'gateway' | 'worker' | 'standalone'

export interface ProcessOptions {
  /** Settings. Nothing else reaches the process but what a program needs to run at all. */
  env: Record<string, string>
  /** Where it looks for a `.env` file; by default where there is none. */
  cwd?: string
  /** For messages about it; the service's name where there is one of it. */
  name?: string
  /** Called with each line that it prints, without its end. */
  onLine?: (line: string) => void
  /** Another program than the service's own, such as one with a part left out: an absolute path. */
  entry?: string
  /** What that program is told on its command line. */
  args?: readonly string[]
  /** How long it may take until it is ready. */
  readyTimeoutMs?: number
}

export interface ServiceProcess {
  readonly name: string
  readonly pid: number
  readonly port: number
  readonly managementPort: number
  /** `http://127.0.0.1:PORT`; nothing listens there for a worker. */
  readonly url: string
  /** The latest of what it printed, up to a cap. */
  output(): string
  /** Settles when it has ended, for whatever reason; never rejects. */
  readonly exited: Promise<Exit>
  /** Asks it to stop, and ends it after `graceMs`. */
  stop(graceMs?: number): Promise<Exit>
  /** Sends a signal without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void
  /** Ends it at once, as a crash does. */
  kill(): Promise<Exit>
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

const READY_TIMEOUT_MS = 30_000
const STOP_GRACE_MS = 40_000
const POLL_MS = 25
const PROBE_TIMEOUT_MS = 2000
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
  options: ProcessOptions,
): Promise<ServiceProcess> {
  const port = Number(options.env.PORT ?? (await findFreePort()))
  const managementPort = Number(options.env.MANAGEMENT_PORT ?? (await findFreePort()))
  const main = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))
  const entry = options.entry ?? main
  const child = spawn(
    process.execPath,
    ['--conditions=chatbox-source', entry, ...(options.args ?? [])],
    {
      cwd: options.cwd ?? tmpdir(),
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...inherited(),
        PORT: String(port),
        MANAGEMENT_PORT: String(managementPort),
        ...options.env,
      },
    },
  )
  endWithThisProcess(child)
  const output = createOutput(child, options.onLine)
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return toHandle({ name: options.name ?? service, child, port, managementPort, output, exited })
}

interface Parts {
  name: string
  child: ChildProcess
  port: number
  managementPort: number
  output: Output
  exited: Promise<Exit>
}

function toHandle({ name, child, port, managementPort, output, exited }: Parts): ServiceProcess {
  return {
    name,
    pid: child.pid ?? 0,
    port,
    managementPort,
    url: `http://127.0.0.1:${port}`,
    output: () => output.text(),
    exited,
    async stop(graceMs = STOP_GRACE_MS) {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
    signal(signal) {
      child.kill(signal)
    },
    async kill() {
      child.kill('SIGKILL')
      return exited
    },
  }
}

/** Waits for `/readyz` of a process that runs; when that does not come, ends it and says why. */
export async function waitUntilReady(
  service: ServiceProcess,
  timeoutMs: number = READY_TIMEOUT_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  const state: { exit?: Exit } = {}
  void service.exited.then((exit) => {
    state.exit = exit
  })
  while (performance.now() < deadline && !state.exit) {
    if (await isReady(service)) return
    await sleep(POLL_MS)
  }
  const what = state.exit
    ? `ended with ${state.exit.signal ?? `exit code ${state.exit.code}`} before it was ready`
    : `was not ready after ${timeoutMs} ms`
  await service.kill()
  throw new Error(`${service.name} ${what}\n${service.output()}`)
}

async function isReady(service: ServiceProcess): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${service.managementPort}/readyz`, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    })
    await answer.arrayBuffer()
    return answer.status === 200
  } catch {
    return false
  }
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
