import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface ChildOptions {
  cwd?: string
  /** All that it gets; the environment of this process when left out. */
  env?: Record<string, string>
  /** Called with each line that it prints, without its end. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Leaves its standard input open, whose end tells it that this process is gone. */
  hasInput?: boolean
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A process that this one started, and that does not outlive it. */
export interface Child {
  /** Undefined where it could not be started. */
  readonly pid: number | undefined
  /** The latest of what it printed, up to a cap. */
  output(): string
  isRunning: () => boolean
  /** Settles when it has ended, for whatever reason; never rejects. */
  readonly exited: Promise<Exit>
  /** Sends a signal without waiting for what comes of it. */
  signal(signal: NodeJS.Signals): void
  /** Asks it to stop, also where it was paused, and ends it after `graceMs`. */
  stop(graceMs?: number): Promise<Exit>
  /** Ends it at once, as a crash does. */
  kill(): Promise<Exit>
}

const STOP_GRACE_MS = 40_000
/** Enough to see why a process failed; a chatty one does not fill the memory. */
const MAX_LINES = 2000

const running = new Set<ChildProcess>()

export function startChild(
  command: string,
  args: readonly string[],
  { cwd, env, onLine, hasInput = false }: ChildOptions = {},
): Child {
  // Standard input is always a pipe in the types; whoever is given none finds it at its end.
  const child = spawn(command, args, { cwd, env: env ?? process.env, stdio: 'pipe' })
  if (!hasInput) child.stdin.end()
  endWithThisProcess(child)
  const output = keepOutput(child, onLine)
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: null, signal: null }))
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  return {
    pid: child.pid,
    output,
    isRunning: () =>
      child.pid !== undefined && child.exitCode === null && child.signalCode === null,
    exited,
    signal: (signal) => void child.kill(signal),
    async stop(graceMs = STOP_GRACE_MS) {
      child.kill('SIGTERM')
      child.kill('SIGCONT')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
    async kill() {
      child.kill('SIGKILL')
      return exited
    },
  }
}

/**
 * Ends a process with this one, however this one ends by itself. A signal that nobody listens to is
 * no such end: see `endOnSignal`.
 */
export function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll)
  running.add(child)
  // Also where it could not be started, which has no exit.
  child.once('close', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', endAll)
  })
}

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Lets a request to stop end this process by `exit`, so that what it started ends with it. */
export function endOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(1))
  }
}

function keepOutput(
  printing: { stdout: Readable; stderr: Readable },
  onLine: ChildOptions['onLine'],
): () => string {
  const lines: string[] = []
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: printing[stream] }).on('line', (line) => {
      lines.push(line)
      if (lines.length > MAX_LINES) lines.shift()
      onLine?.(line, stream)
    })
  }
  return () => lines.join('\n')
}
