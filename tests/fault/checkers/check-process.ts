import type { Finding, LifeEvent } from '../history.ts'
import type { RunIndex } from './run-index.ts'

/** A process ends only when it is made to, and with exit code 0 where it was asked to. */
export function checkProcess(run: RunIndex): Finding[] {
  return run.lives.flatMap((life): Finding[] => {
    const message = describe(life)
    return message ? [{ check: 'process', message, at: life.at }] : []
  })
}

function describe(life: LifeEvent): string | undefined {
  const { process, pid, phase, expected, refused, code, signal } = life
  if (phase !== 'ended' || refused) return undefined
  const how = signal ? `by ${signal}` : `with exit code ${code ?? 'none'}`
  if (!expected) return `${process} (pid ${pid}) ended ${how}, which nobody asked for`
  return !signal && code !== 0
    ? `${process} (pid ${pid}) was asked to end and ended ${how}`
    : undefined
}
