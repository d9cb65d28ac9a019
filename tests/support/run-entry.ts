import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Service } from '../../scripts/servers/processes.ts'

export interface EndedProcess {
  code: number | null
  stdout: string
  stderr: string
}

const INHERITED = ['PATH', 'HOME', 'NODE_V8_COVERAGE']

/** Runs a program that is expected to end by itself, with nothing but `env` for settings. */
export async function runEntry(
  service: Service | 'migrate' | 'probe',
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<EndedProcess> {
  const entry = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url))
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const child = spawn(process.execPath, ['--conditions=chatbox-source', entry, ...args], {
    cwd: tmpdir(),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), ...env },
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  const code = new Promise<number | null>((resolve) => child.once('close', resolve))
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { code: await code, stdout, stderr }
}
