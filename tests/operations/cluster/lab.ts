import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endWithThisProcess } from '../../environment/servers/child.ts'

const SCRIPTS = join(import.meta.dirname, 'lab')
const UP_TIMEOUT_MS = 15 * 60_000

export interface Lab {
  /** Of a command in the cluster's network, to be put before it. */
  readonly inside: string
  /** Runs a program of this folder in the cluster's network; resolves with its exit code. */
  run(program: string, ...args: string[]): Promise<number>
  /** Takes the cluster down, with every process and mount in it. */
  stop(): void
}

/** Starts the cluster. However this process ends by itself, the cluster ends with it. */
export async function startLab(
  report: (line: string) => void,
  { isKept }: { isKept: boolean },
): Promise<Lab> {
  let isUp = true
  const stop = (): void => {
    if (!isUp || isKept) return
    isUp = false
    spawnSync(join(SCRIPTS, 'down.sh'), { stdio: 'ignore' })
  }
  process.once('exit', stop)
  // What an earlier run has left is not what this one wants to prove.
  spawnSync(join(SCRIPTS, 'down.sh'), { stdio: 'ignore' })
  await up(report)
  const inside = join(SCRIPTS, 'in')
  return {
    inside,
    stop,
    async run(program, ...args) {
      const path = join(import.meta.dirname, program)
      const command = [process.execPath, '--conditions=chatbox-source', path, ...args]
      const child = spawn(inside, command, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
      endWithThisProcess(child)
      const [code] = (await once(child, 'exit')) as [number | null]
      return code ?? 1
    },
  }
}

async function up(report: (line: string) => void): Promise<void> {
  const child = spawn(join(SCRIPTS, 'up.sh'), { timeout: UP_TIMEOUT_MS })
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => report(chunk.toString().trimEnd()))
  }
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error('the cluster did not start')
}
