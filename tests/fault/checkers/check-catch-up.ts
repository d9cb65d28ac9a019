import type { FinalRead, Finding, ViewerEvent } from '../history.ts'
import type { RunIndex, SessionRun } from './run-index.ts'

/** At the end every viewer has come back, and shows the log up to its end. */
export function checkCatchUp(run: RunIndex): Finding[] {
  const behind = run.sessions.flatMap((session) =>
    session.reads.flatMap((read): Finding[] => {
      const message = describeShown(read, session)
      return message ? [{ check: 'catch-up', message, sessionId: session.sessionId }] : []
    }),
  )
  const away = [...run.viewers].flatMap(([viewer, events]): Finding[] => {
    const lost = findUnrecovered(events)
    if (!lost) return []
    const message = `${viewer} lost its connection and did not catch up again`
    return [{ check: 'catch-up', message, at: lost.at }]
  })
  return [...behind, ...away]
}

function describeShown(
  { source, reader, messages }: FinalRead,
  { log }: SessionRun,
): string | undefined {
  const [shown, head] = [messages.at(-1)?.seq ?? 0, log.at(-1)?.seq ?? 0]
  if (source !== 'shown' || shown >= head) return undefined
  return `${reader} shows the log up to seq ${shown} of ${head}`
}

function findUnrecovered(events: readonly ViewerEvent[]): ViewerEvent | undefined {
  const lost = events.findLastIndex(({ phase }) => phase === 'lost')
  const isBack = events.slice(lost + 1).some(({ phase }) => phase === 'caught-up')
  return isBack ? undefined : events[lost]
}
