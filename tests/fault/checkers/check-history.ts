import {
  CHECKS,
  type CheckName,
  type CheckReport,
  type FinalRead,
  type Finding,
  type HistoryEvent,
  type LifeEvent,
} from '../history.ts'
import { checkAnswers, checkAnswerText, checkAttempts } from './check-answers.ts'
import { checkCaughtUp, checkDisagreement, checkOrder, checkShown } from './check-logs.ts'
import { checkAcknowledged, checkDuplicated, checkLost, checkUnexpected } from './check-messages.ts'
import { countLooked } from './count-looked.ts'
import { measureDurations } from './measure-durations.ts'
import { indexRun, type Fault, type RunIndex, type SessionRun } from './run-index.ts'

interface Checker {
  inSession?: (session: SessionRun, run: RunIndex) => readonly Fault[]
  inRun?: (run: RunIndex) => readonly Fault[]
}

const CHECKERS: Record<CheckName, Checker> = {
  lost: { inSession: checkLost },
  unexpected: { inSession: checkUnexpected },
  duplicated: { inSession: checkDuplicated },
  order: { inSession: checkOrder },
  disagreement: { inSession: checkDisagreement },
  'acknowledged-without-row': { inSession: checkAcknowledged },
  answers: { inSession: checkAnswers },
  'answer-text': { inSession: checkAnswerText },
  attempts: { inSession: checkAttempts },
  'catch-up': { inSession: checkShown, inRun: checkCaughtUp },
  process: { inRun: checkProcess },
  payloads: { inRun: checkPayloads },
}

/** Per check, so that one with thousands of findings leaves room for the others. */
const MAX_FINDINGS = 30

/** Checks a run's history against what every reader has at the end. */
export function checkHistory(
  history: readonly HistoryEvent[],
  reads: readonly FinalRead[],
): CheckReport {
  const run = indexRun(history, reads)
  const found = CHECKS.map((check) => [check, findAll(check, run)] as const)
  return {
    // One of each name.
    counts: Object.fromEntries(
      found.map(([check, findings]) => [check, findings.length]),
    ) as CheckReport['counts'],
    findings: found.flatMap(([, findings]) => findings.slice(0, MAX_FINDINGS)),
    looked: countLooked(run),
    durationsMs: measureDurations(run),
  }
}

function findAll(check: CheckName, run: RunIndex): Finding[] {
  const { inSession, inRun } = CHECKERS[check]
  const toFinding = (fault: Fault, place: { sessionId?: string } = {}): Finding => {
    const what = typeof fault === 'string' ? { message: fault } : fault
    return { check, ...what, ...place }
  }
  const inSessions = run.sessions.flatMap((session) => {
    const { sessionId } = session
    return (inSession?.(session, run) ?? []).map((fault) => toFinding(fault, { sessionId }))
  })
  return [...inSessions, ...(inRun?.(run) ?? []).map((fault) => toFinding(fault))]
}

/** Checks that a process ends only when it is made to, and with exit code 0 if it was asked to. */
function checkProcess({ lives }: RunIndex): Fault[] {
  return lives.flatMap((life) => {
    const message = describeLife(life)
    return message ? [{ message, at: life.at }] : []
  })
}

function describeLife(life: LifeEvent): string | undefined {
  const { process, pid, phase, expected, refused, code, signal } = life
  if (phase !== 'ended' || refused) return undefined
  const how = signal ? `by ${signal}` : `with exit code ${code ?? 'none'}`
  if (!expected) return `${process} (pid ${pid}) ended ${how}, which nobody asked for`
  return !signal && code !== 0
    ? `${process} (pid ${pid}) was asked to end and ended ${how}`
    : undefined
}

/**
 * No fault of a run forges data, so the product itself damaged anything that a process refuses.
 * That message or state is then served without its texts, and other checks may miss it.
 */
function checkPayloads({ refused }: RunIndex): Fault[] {
  return refused.map(({ process, source, ids, at }) => {
    const named = Object.entries(ids).map(([name, id]) => `${name} ${id}`)
    return { message: `${process} refused a payload of kind ${source} (${named.join(', ')})`, at }
  })
}
