import { execFile } from 'node:child_process'

export interface RunOptions {
  /** What the program reads from its standard input. */
  input?: string
  /** The program is ended then, which is a failure. */
  timeoutMs?: number
}

const TIMEOUT_MS = 120_000
const MAX_OUTPUT = 64 * 1024 * 1024

/** A program that failed, with what it printed. */
export class RunError extends Error {
  readonly output: string

  constructor(command: string, output: string) {
    super(`${command.slice(0, 200)}: ${lastLine(output) || 'failed'}`)
    this.output = output
  }
}

/** Runs a program and resolves with its standard output; rejects with a `RunError`. */
export async function run(
  program: string,
  args: readonly string[],
  { input = '', timeoutMs = TIMEOUT_MS }: RunOptions = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, maxBuffer: MAX_OUTPUT, killSignal: 'SIGKILL' as const }
    const child = execFile(program, args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout)
      else reject(new RunError([program, ...args].join(' '), `${stdout}${stderr}`))
    })
    // A program that ends without reading has its reasons, which its exit code tells.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

export async function kubectl(args: readonly string[], options?: RunOptions): Promise<string> {
  return run('kubectl', args, options)
}

export async function helm(args: readonly string[], options?: RunOptions): Promise<string> {
  return run('helm', args, options)
}

/** Creates or changes objects, given as one object or as YAML. */
export async function apply(objects: object | string): Promise<void> {
  const input = typeof objects === 'string' ? objects : JSON.stringify(objects)
  await kubectl(['apply', '--filename=-'], { input })
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 400) ?? ''
}
