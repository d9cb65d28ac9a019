import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

export interface ChildOptions {
  cwd?: string
  /** The whole environment of the process; that of this process by default. */
  env?: Record<string, string>
  /** Called with each printed line, without its end. */
  onLine?: (line: string, stream: 'stdout' | 'stderr') => void
  /** Keeps its standard input open. Its end tells the process that this one is gone. */
  hasInput?: boolean
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A child process that does not outlive this process. */
export interface Child {
  /** Undefined if it could not be started. */
  readonly pid: number | undefined
  /** The latest output, up to a cap. */
  output(): string
  isRunning: () => boolean
  /** Resolves when the process has ended for any reason. Never rejects. */
  readonly exited: Promise<Exit>
  /** Sends a signal without waiting. */
  signal(signal: NodeJS.Signals): void
  /** Asks the process to stop, even if it is paused. Kills it after `graceMs`. */
  stop(graceMs?: number): Promise<Exit>
  /** Kills it at once, like a crash. */
  kill(): Promise<Exit>
}

const STOP_GRACE_MS = 40_000
/** Enough to see why a process failed, without filling the memory. */
const MAX_LINES = 2000

const running = new Set<ChildProcess>()

export function startChild(
  command: string,
  args: readonly string[],
  { cwd, env, onLine, hasInput = false }: ChildOptions = {},
): Child {
  // The types say that standard input is always a pipe. A child without one reads its end at once.
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
 * Kills the child when this process ends by itself. A signal without a listener does not count; see
 * `endOnSignal`.
 */
export function endWithThisProcess(child: ChildProcess): void {
  if (running.size === 0) process.once('exit', endAll)
  running.add(child)
  // Not `exit`, which a child that could not be started never emits.
  child.once('close', () => {
    running.delete(child)
    if (running.size === 0) process.off('exit', endAll)
  })
}

function endAll(): void {
  for (const child of running) child.kill('SIGKILL')
}

/** Ends this process by `exit` on a signal to stop, so that its children end too. */
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
