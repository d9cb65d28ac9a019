import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'

/** Enough to see why a process failed; a chatty one does not fill the memory. */
const MAX_LINES = 2000

export interface Output {
  /** What was printed, at most the latest lines. */
  text(): string
}

/** Keeps the latest lines of a child process, standard output and error as they arrive. */
export function createOutput(child: ChildProcess, onLine?: (line: string) => void): Output {
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line)
      if (lines.length > MAX_LINES) lines.shift()
      onLine?.(line)
    })
  }
  return { text: () => lines.join('\n') }
}
