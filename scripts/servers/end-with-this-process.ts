import type { ChildProcess } from 'node:child_process'

const running = new Set<ChildProcess>()

/**
 * A process that this one started does not outlive it, however this one ends by itself. A signal
 * that nobody listens to is no such end: see `endOnSignal`.
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
