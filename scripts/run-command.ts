import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../', import.meta.url))

/**
 * Runs a package's program, for example `typescript/bin/tsc`, with this Node in the repository's
 * folder. Returns its exit code. Its output appears at once.
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  { env, nodeArgs = [] }: { env?: Record<string, string>; nodeArgs?: readonly string[] } = {},
): Promise<number> {
  const child = spawn(process.execPath, [...nodeArgs, `node_modules/${tool}`, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL'])
    })
  })
}
