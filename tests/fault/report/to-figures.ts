import { CHECKS, type CheckName } from '../history.ts'
import type { ProfileName } from '../profiles.ts'
import { formatMs, table } from './markdown.ts'
import { quantile } from './quantiles.ts'
import type { SavedRun } from './saved-run.ts'

interface Figure {
  figure: string
  reach: string
  measured: string
  isReached: boolean
}

/** What is read from the longest run of one profile. */
const FIGURES: [ProfileName, (run: SavedRun) => Figure[]][] = [
  ['soak', (run) => [...toLoadFigures(run), ...toFindingFigures(run)]],
  ['zombies', toZombieFigures],
  ['deaths', toDeathFigures],
  ['terms', toTermFigures],
  ['away', toAwayFigures],
  ['smoke', (run) => [upTo('the run in all', run.durationMs, 180_000)]],
]

/** What was to be reached, what was measured, and in which run. */
export function toFigures(runs: readonly SavedRun[]): string {
  const rows = FIGURES.flatMap(([profile, figuresOf]) => {
    const [run] = runs
      .filter((one) => one.profile === profile)
      .toSorted((a, b) => b.durationMs - a.durationMs)
    if (!run) return [[`\`${profile}\``, 'not run', '', '', '**no**']]
    return figuresOf(run).map(({ figure, reach, measured, isReached }) => [
      `\`${profile}\``,
      figure,
      reach,
      measured,
      isReached ? 'yes' : '**no**',
    ])
  })
  return table(['Run', 'Figure', 'Reach', 'Measured', 'Reached'], rows)
}

function toLoadFigures(run: SavedRun): Figure[] {
  const { nemeses } = run
  const { looked } = run.checks
  const resends = looked.resends ?? 0
  const share = resends === 0 ? 0 : (looked.resendsOverAnotherGateway ?? 0) / resends
  return [
    atLeast('acknowledged messages', looked.acknowledged, 200_000),
    atLeast('faults', countDone(run), 300),
    atLeast('kinds of fault', nemeses.filter(({ done }) => done > 0).length, 10),
    atLeast('messages sent again', resends, 100_000),
    atLeast(
      'of these after a dropped acknowledgement, over another gateway, in %',
      share * 100,
      20,
    ),
    atLeast('streams with at least one fault each', looked.streamsUnderFault, 1000),
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
  payloads: 'stored or sent payloads that a process refused, which nobody forged',
}

function toFindingFigures(run: SavedRun): Figure[] {
  return CHECKS.map((name) => none(FINDINGS[name], run.checks.counts[name]))
}

function toZombieFigures({ checks }: SavedRun): Figure[] {
  const { zombies = 0, zombiesRefused = 0 } = checks.looked
  return [
    atLeast('attempts of a worker that slept while another one finished', zombies, 500),
    none('of these with their answer in the log', zombies - zombiesRefused),
    none('questions without exactly one settled answer', checks.counts.answers),
  ]
}

function toDeathFigures({ checks }: SavedRun): Figure[] {
  const { mostAttemptsOfOneReply, repliesWithTwentyAttempts } = checks.looked
  return [
    atLeast(
      'attempts of one reply, each after the death of the worker before',
      mostAttemptsOfOneReply,
      20,
    ),
    atLeast('replies with so many', repliesWithTwentyAttempts, 1),
    none('questions that were neither answered nor visibly failed', checks.counts.answers),
  ]
}

function toTermFigures(run: SavedRun): Figure[] {
  return [
    atLeast('SIGTERM under load', countDone(run), 200),
    none('of these that ended by force, or with another code than 0', run.checks.counts.process),
    within(run, 'endWhenAsked', {
      figure: 'to the end of the process, longest',
      share: 1,
      ms: 25_000,
    }),
    none('lost', run.checks.counts.lost),
  ]
}

function toAwayFigures(run: SavedRun): Figure[] {
  const { counts } = run.checks
  return [
    none('processes that ended', counts.process),
    within(run, 'gapWithoutRedis', {
      figure: 'Redis away for 1 s to 60 s: longest time without an acknowledgement',
      share: 1,
      ms: 3000,
    }),
    within(run, 'streamAfterRedis', {
      figure: 'Redis back to the next request to the model, longest',
      share: 1,
      ms: 5000,
    }),
    within(run, 'refuseWithoutStore', {
      figure: 'store away: message to its refusal, longest',
      share: 1,
      ms: 3000,
    }),
    within(run, 'acknowledgeAfterStore', {
      figure: 'store back to the next acknowledgement, longest',
      share: 1,
      ms: 10_000,
    }),
    none('acknowledged and not in the log', counts.lost + counts['acknowledged-without-row']),
  ]
}

function countDone({ nemeses }: SavedRun): number {
  return nemeses.reduce((sum, { done }) => sum + done, 0)
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

function upTo(figure: string, measuredMs: number, ms: number): Figure {
  const [reach, measured] = [`≤ ${formatMs(ms)}`, formatMs(measuredMs)]
  return { figure, reach, measured, isReached: measuredMs <= ms }
}

function within(
  { checks }: SavedRun,
  name: string,
  { figure, share, ms }: { figure: string; share: number; ms: number },
): Figure {
  const { sortedMs = [] } = checks.durations[name] ?? {}
  if (sortedMs.length > 0) return upTo(figure, quantile(sortedMs, share), ms)
  return { figure, reach: `≤ ${formatMs(ms)}`, measured: 'no case of it', isReached: false }
}
