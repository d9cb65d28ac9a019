import type { ProfileName } from '../profiles.ts'
import { formatCount, formatMs, table } from './markdown.ts'
import {
  countFaults,
  countFindings,
  countKinds,
  quantile,
  type Durations,
  type SavedRun,
} from './saved-run.ts'

interface Figure {
  figure: string
  reach: string
  measured: string
  isReached: boolean
}

/** The figures from the longest run of a profile. */
const FIGURES: [ProfileName, (run: SavedRun) => Figure[]][] = [
  ['soak', toSoakFigures],
  ['zombies', toZombieFigures],
  ['deaths', toDeathFigures],
  ['terms', toTermFigures],
  ['away', toAwayFigures],
  ['smoke', (run) => [atMost('the run in all', run.durationMs, 180_000)]],
]

/** The target, the measurement and its run. */
export function toFigures(runs: readonly SavedRun[]): string {
  const rows = FIGURES.flatMap(([profile, figuresOf]) => {
    const [run] = runs
      .filter((one) => one.profile === profile)
      .toSorted((a, b) => b.durationMs - a.durationMs)
    if (!run) return [[`\`${profile}\``, 'not run', '', '', '**no**']]
    return figuresOf(run).map(({ figure, reach, measured, isReached }) => {
      return [`\`${profile}\``, figure, reach, measured, isReached ? 'yes' : '**no**']
    })
  })
  return table(['Run', 'Figure', 'Reach', 'Measured', 'Reached'], rows)
}

function toSoakFigures(run: SavedRun): Figure[] {
  const {
    acknowledged,
    resends = 0,
    resendsOverAnotherGateway = 0,
    streamsUnderFault,
  } = run.checks.looked
  const share = resends === 0 ? 0 : (100 * resendsOverAnotherGateway) / resends
  return [
    none('findings of all checks', countFindings(run)),
    atLeast('acknowledged messages', acknowledged, 200_000),
    atLeast('faults', countFaults(run), 300),
    atLeast('kinds of fault', countKinds(run), 10),
    atLeast('messages sent again', resends, 100_000),
    atLeast('of these after a dropped acknowledgement, over another gateway, in %', share, 20),
    atLeast('streams with at least one fault each', streamsUnderFault, 1000),
  ]
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
  const { mostAttemptsOfOneReply: most, repliesWithTwentyAttempts } = checks.looked
  return [
    atLeast('attempts of one reply, each after the death of the worker before', most, 20),
    atLeast('replies with so many', repliesWithTwentyAttempts, 1),
    none('questions that were neither answered nor visibly failed', checks.counts.answers),
  ]
}

function toTermFigures(run: SavedRun): Figure[] {
  const { counts } = run.checks
  return [
    atLeast('SIGTERM under load', countFaults(run), 200),
    none('of these that ended by force, or with another code than 0', counts.process),
    longest('to the end of the process, longest', run.checks.durations.endWhenAsked, 25_000),
    none('lost', counts.lost),
  ]
}

function toAwayFigures({ checks: { counts, durations } }: SavedRun): Figure[] {
  return [
    none('processes that ended', counts.process),
    longest(
      'Redis away for 1 s to 60 s: longest time without an acknowledgement',
      durations.gapWithoutRedis,
      3000,
    ),
    longest(
      'Redis back to the next request to the model, longest',
      durations.streamAfterRedis,
      5000,
    ),
    longest('store away: message to its refusal, longest', durations.refuseWithoutStore, 3000),
    longest(
      'store back to the next acknowledgement, longest',
      durations.acknowledgeAfterStore,
      10_000,
    ),
    none('acknowledged and not in the log', counts.lost + counts['acknowledged-without-row']),
  ]
}

function atLeast(figure: string, measured = 0, reach = 0): Figure {
  return {
    figure,
    reach: `≥ ${formatCount(reach)}`,
    measured: formatCount(Math.floor(measured)),
    isReached: measured >= reach,
  }
}

function none(figure: string, measured: number): Figure {
  return { figure, reach: '0', measured: formatCount(measured), isReached: measured === 0 }
}

function atMost(figure: string, measuredMs: number, ms: number): Figure {
  const [reach, measured] = [`≤ ${formatMs(ms)}`, formatMs(measuredMs)]
  return { figure, reach, measured, isReached: measuredMs <= ms }
}

function longest(figure: string, durations: Durations | undefined, ms: number): Figure {
  if (durations && durations.count > 0) return atMost(figure, quantile(durations.sortedMs, 1), ms)
  return { figure, reach: `≤ ${formatMs(ms)}`, measured: 'no case of it', isReached: false }
}
