import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Outcome } from './compose-project.ts'

const PROBE = fileURLToPath(new URL('../../../../services/probe/src/main.ts', import.meta.url))
const TIMEOUT_MS = 90_000

/** A visitor's round trip over a published port, from this machine. */
export async function runProbe(url: string, env: Record<string, string> = {}): Promise<Outcome> {
  const args = ['--conditions=chatbox-source', PROBE, '--within', '60s', url]
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      args,
      { timeout: TIMEOUT_MS, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr })
      },
    )
  })
}
