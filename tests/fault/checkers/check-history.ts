import {
  CHECKS,
  type CheckName,
  type CheckReport,
  type FinalRead,
  type Finding,
  type HistoryEvent,
} from '../history.ts'
import { checkAcknowledged } from './check-acknowledged.ts'
import { checkAnswerText } from './check-answer-text.ts'
import { checkAnswers } from './check-answers.ts'
import { checkAttempts } from './check-attempts.ts'
import { checkCatchUp } from './check-catch-up.ts'
import { checkDisagreement } from './check-disagreement.ts'
import { checkDuplicated } from './check-duplicated.ts'
import { checkLost } from './check-lost.ts'
import { checkOrder } from './check-order.ts'
import { checkPayloads } from './check-payloads.ts'
import { checkProcess } from './check-process.ts'
import { checkUnexpected } from './check-unexpected.ts'
import { countLooked } from './count-looked.ts'
import { measureDurations } from './measure-durations.ts'
import { indexRun, type RunIndex } from './run-index.ts'

const CHECKERS: Record<CheckName, (run: RunIndex) => Finding[]> = {
  lost: checkLost,
  unexpected: checkUnexpected,
  duplicated: checkDuplicated,
  order: checkOrder,
  disagreement: checkDisagreement,
  'acknowledged-without-row': checkAcknowledged,
  answers: checkAnswers,
  'answer-text': checkAnswerText,
  attempts: checkAttempts,
  'catch-up': checkCatchUp,
  process: checkProcess,
  payloads: checkPayloads,
}

/** Of each check, so that one that finds thousands leaves room for the others. */
const MAX_FINDINGS = 30

/** Holds a run's history against what every reader has in the end. */
export function checkHistory(
  history: readonly HistoryEvent[],
  reads: readonly FinalRead[],
): CheckReport {
  const run = indexRun(history, reads)
  const found = CHECKS.map((name) => ({ name, findings: CHECKERS[name](run) }))
  return {
    counts: toCounts(found),
    findings: found.flatMap(({ findings }) => findings.slice(0, MAX_FINDINGS)),
    looked: countLooked(run),
    durationsMs: measureDurations(run),
  }
}

function toCounts(
  found: readonly { name: CheckName; findings: readonly Finding[] }[],
): Record<CheckName, number> {
  const counts: Partial<Record<CheckName, number>> = {}
  for (const { name, findings } of found) counts[name] = findings.length
  return counts as Record<CheckName, number>
}
