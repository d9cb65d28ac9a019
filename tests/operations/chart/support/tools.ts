import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const CHART = fileURLToPath(new URL('../../../../helm/chatbox', import.meta.url))
export const TOOLS = fileURLToPath(new URL('../../tools', import.meta.url))
const BUILD_MS = 9 * 60_000
const RUN_MS = 60_000
const MAX_OUTPUT_BYTES = 64 << 20

/** Why the chart cannot be tried here, or undefined where it can. */
export const NO_TOOLS =
  spawnSync('go', ['version']).status === 0 ? undefined : 'no Go here to build Helm with'

let folder: string | undefined

/** The path of a program that the chart is tested with. What is not there yet is built first. */
function findTool(name: string): string {
  folder ??= execFileSync(join(TOOLS, 'build'), ['ladder'], {
    encoding: 'utf8',
    timeout: BUILD_MS,
  }).trim()
  return join(folder, name)
}

export interface Outcome {
  status: number | null
  stdout: string
  stderr: string
}

/** Runs a program of the ladder, which may fail; throws where it does not run at all. */
export function runTool(name: string, args: readonly string[], input = ''): Outcome {
  const { error, status, stdout, stderr } = spawnSync(findTool(name), args, {
    input,
    encoding: 'utf8',
    timeout: RUN_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  })
  if (error) throw error
  return { status, stdout, stderr }
}
