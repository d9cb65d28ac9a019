import { CHECKS } from '../history.ts'
import { PROFILES, type Profile } from '../profiles.ts'
import { formatCount, formatMs, table, toCell } from './markdown.ts'
import { quantile } from './quantiles.ts'
import { nameOf, type Durations, type SavedRun } from './saved-run.ts'

/** The plot of one kind of duration of a run, relative to the report. */
export interface Plot {
  title: string
  file: string
}

/** Everything that one run has to say. */
export function toRunSection(run: SavedRun, plots: readonly Plot[]): string {
  const { checks, metrics } = run
  const profiles: Record<string, Profile> = PROFILES
  return [
    `## ${nameOf(run)}`,
    profiles[run.profile]?.about ?? '',
    describeRun(run),
    '### Checks',
    table(
      ['Check', 'Findings'],
      CHECKS.map((name) => [name, formatCount(checks.counts[name])]),
    ),
    ...checks.findings.map(({ check, message }) => `- ${check}: ${toCell(message)}`),
    '### Durations',
    toDurations(checks.durations),
    ...plots.map(({ title, file }) => `![${title}](${file})`),
    ...fold('Faults', toNemeses(run)),
    ...fold('What happened and what was looked at', toAmounts(checks.looked, toWords)),
    ...fold(
      "The product's own counters",
      toAmounts(metrics, (name) => `\`${name}\``),
    ),
  ].join('\n\n')
}

function describeRun(run: SavedRun): string {
  const { startedAt, durationMs, processes, machine, seed, commit } = run
  const { gateways, workers, viewers, sessions } = processes
  return [
    `Seed ${seed}, ${startedAt.slice(0, 16).replace('T', ' ')} UTC, ${formatMs(durationMs)} in all${commit ? `, commit ${commit}` : ''}.`,
    `${gateways} gateways, ${workers} workers, ${viewers} viewers in ${sessions} sessions;`,
    `store: ${machine.store}; ${machine.cpus} × ${machine.model.trim()},`,
    `${Math.round(machine.memoryBytes / 2 ** 30)} GB, Node.js ${machine.node}.`,
  ].join(' ')
}

function toNemeses({ nemeses }: SavedRun): string {
  const rows = nemeses.map(({ kind, done, failed, skipped }) => [
    `\`${kind}\``,
    skipped === undefined ? formatCount(done) : '–',
    skipped === undefined ? formatCount(failed) : toCell(skipped),
  ])
  return table(['Kind', 'Happened', 'Could not'], rows)
}

function fold(title: string, text: string): string[] {
  return [`<details><summary>${title}</summary>`, text, '</details>']
}

function toAmounts(amounts: Record<string, number>, toName: (key: string) => string): string {
  const rows = Object.entries(amounts).map(([name, count]) => [toName(name), formatCount(count)])
  return table(['What', 'How many'], rows)
}

function toWords(key: string): string {
  return key.replaceAll(/[A-Z]/gu, (letter) => ` ${letter.toLowerCase()}`)
}

function toDurations(durations: Record<string, Durations>): string {
  const rows = Object.entries(durations).map(([name, { count, sortedMs }]) => [
    DURATIONS[name] ?? name,
    formatCount(count),
    ...[0.5, 0.9, 0.99, 1].map((share) => formatMs(quantile(sortedMs, share))),
  ])
  return table(['From and to', 'Cases', 'p50', 'p90', 'p99', 'longest'], rows)
}

export const DURATIONS: Record<string, string> = {
  acknowledge: 'message sent to acknowledged',
  acknowledgeWithoutRedis: 'the same while Redis is away or paused',
  gapWithoutRedis: 'Redis away: longest time without an acknowledgement',
  refuseWithoutStore: 'store away: message sent to its refusal',
  acknowledgeAfterStore: 'store back to the next acknowledgement',
  streamAfterRedis: 'Redis back to the next request to the model',
  reconnect: 'connection lost to connected again',
  catchUp: 'connected again to nothing missing',
  takeOver: 'worker killed to the first text of the next attempt',
  takeOverUnderFaults: 'worker killed to the next attempt, other faults under way',
  endWhenAsked: 'SIGTERM to the end of the process',
}
