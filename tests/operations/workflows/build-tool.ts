import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const BUILD = fileURLToPath(new URL('../tools/build', import.meta.url))
/** Helm from nothing, on a slow machine. */
const BUILD_MS = 10 * 60_000

/** The folder that holds a program, or why there is none. What was built before is there at once. */
export function buildTool(name: string): { folder: string; missing?: string } {
  const { status, stdout, stderr } = spawnSync(BUILD, [name], {
    encoding: 'utf8',
    timeout: BUILD_MS,
  })
  if (status === 0) return { folder: stdout.trim() }
  return { folder: '', missing: `no ${name} here: ${stderr.trim().split('\n').at(-1) ?? ''}` }
}
