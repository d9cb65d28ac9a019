import { CHECKS, type CheckName } from '../history.ts'
import { formatMs, table } from './markdown.ts'
import { quantile } from './quantiles.ts'
import type { SavedRun } from './saved-run.ts'

interface Figure {
  figure: string
  reach: string
  /** Undefined where the run had no case of it. */
  measured: string | undefined
  isReached: boolean
}

/** What the long run was to reach, and what it did. */
export function toFigures(run: SavedRun): string {
  const figures = [...countFigures(run), ...faultFigures(run), ...timeFigures(run)]
  const rows = figures.map(({ figure, reach, measured, isReached }) => [
    figure,
    reach,
    measured ?? 'no case of it',
    measured === undefined ? '–' : isReached ? 'yes' : '**no**',
  ])
  return table(['Figure', 'Reach', 'Measured', 'Reached'], rows)
}

function countFigures(run: SavedRun): Figure[] {
  const { looked } = run.checks
  const resends = looked.resends ?? 0
  const share = resends === 0 ? 0 : (looked.resendsAfterDroppedAnswer ?? 0) / resends
  return [
    atLeast('acknowledged messages', looked.acknowledged, 200_000),
    atLeast('resends', resends, 100_000),
    atLeast('of these after a dropped acknowledgement, over another gateway, %', share * 100, 20),
    atLeast('streams with at least one fault each', looked.streamsUnderFault, 1000),
    atLeast(
      'attempts written to the end after another had taken over',
      looked.attemptsSuperseded,
      500,
    ),
    ...CHECKS.map((name) => none(FINDINGS[name], run.checks.counts[name])),
  ]
}

const FINDINGS: Record<CheckName, string> = {
  lost: 'lost',
  unexpected: 'unexpected, or with another body',
  duplicated: 'duplicated',
  order: 'out of order, or a hole',
  disagreement: 'disagreements between readers',
  'acknowledged-without-row': 'acknowledgements of a row that is not there',
  answers: 'questions without exactly one settled answer',
  'answer-text': 'answers or drafts that are not what the model server sent',
  attempts: 'deltas of a lower attempt after a higher one, or after a hole',
  'catch-up': 'viewers that did not come back to the end of the log',
  process: 'processes that ended by themselves, or badly',
}

function faultFigures({ nemeses }: SavedRun): Figure[] {
  const done = nemeses.reduce((sum, nemesis) => sum + nemesis.done, 0)
  const terms = nemeses.filter(({ kind }) => kind.endsWith('-term'))
  return [
    atLeast('faults', done, 300),
    atLeast('kinds of fault', nemeses.filter((nemesis) => nemesis.done > 0).length, 10),
    atLeast(
      'SIGTERM under load',
      terms.reduce((sum, nemesis) => sum + nemesis.done, 0),
      200,
    ),
  ]
}

function timeFigures(run: SavedRun): Figure[] {
  return [
    within(run, 'takeOver', {
      figure: 'worker killed to the answer going on',
      share: 0.99,
      ms: 8000,
    }),
    within(run, 'endWhenAsked', {
      figure: 'SIGTERM to the end of the process',
      share: 1,
      ms: 25_000,
    }),
    within(run, 'streamAfterRedis', {
      figure: 'Redis back to the next request to the model',
      share: 1,
      ms: 5000,
    }),
    within(run, 'refuseWithoutStore', {
      figure: 'refusal while the store is away',
      share: 1,
      ms: 3000,
    }),
    within(run, 'acknowledgeAfterStore', {
      figure: 'store back to the next acknowledgement',
      share: 1,
      ms: 10_000,
    }),
  ]
}

function atLeast(figure: string, measured = 0, reach = 0): Figure {
  return {
    figure,
    reach: `≥ ${reach.toLocaleString('en')}`,
    measured: Math.floor(measured).toLocaleString('en'),
    isReached: measured >= reach,
  }
}

function none(figure: string, measured: number): Figure {
  return { figure, reach: '0', measured: measured.toLocaleString('en'), isReached: measured === 0 }
}

function within(
  { checks }: SavedRun,
  name: string,
  { figure, share, ms }: { figure: string; share: number; ms: number },
): Figure {
  const { sortedMs = [] } = checks.durations[name] ?? {}
  const measured = sortedMs.length === 0 ? undefined : quantile(sortedMs, share)
  return {
    figure: `${figure}, ${share === 1 ? 'longest' : `p${share * 100}`}`,
    reach: `< ${formatMs(ms)}`,
    measured: measured === undefined ? undefined : formatMs(measured),
    isReached: measured !== undefined && measured < ms,
  }
}
