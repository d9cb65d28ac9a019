import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format } from 'prettier'
import type { RunRecord } from '../history.ts'
import { CONTROLS, type Control } from '../unsafe/controls.ts'
import { toFigures } from './figures.ts'
import { formatCount, formatMs, table, toCell } from './markdown.ts'
import {
  countFaults,
  countFindings,
  countKinds,
  nameOf,
  quantile,
  toSavedRun,
  type SavedRun,
} from './saved-run.ts'

/** The folder of the records and notes, beside the report and with the same name. */
const RECORDS = 'faults'
const SHARES = [0.5, 0.9, 0.99, 1]
const DURATIONS: Record<string, string> = {
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

/**
 * Adds runs to the records in `folder` and writes `faults.md` again, only from the records and the
 * notes beside them. A run replaces an earlier one with the same name.
 */
export async function writeFaultReport(runs: readonly RunRecord[], folder: string): Promise<void> {
  const records = join(folder, RECORDS)
  await mkdir(records, { recursive: true })
  for (const run of runs.map(toSavedRun)) {
    await writeFile(join(records, `${nameOf(run)}.json`), `${JSON.stringify(run)}\n`)
  }
  const saved = await readSaved(records)
  // The longest run has the most to show.
  const plain = saved.filter(isPlain).toSorted((a, b) => b.durationMs - a.durationMs)
  const text = [
    HEAD,
    toMachine(plain),
    toRuns(plain),
    ...plain.flatMap(toFindings),
    '## Figures',
    'Each from the run that was made for it. What is not reached is stated as it was measured. How soon an answer goes on after its worker was killed, how soon the sockets of a killed gateway are back, and what a slow reader costs the others is in [the benchmark](bench.md).',
    toFigures(plain),
    '## Durations',
    'Each from the run with the most cases of it.',
    toDurations(plain),
    '## Negative controls',
    'A check that has never found anything proves nothing. So each of six safeties was left out, in processes that exist for this alone, of the same run: the same load, the same seed, the same kinds of fault. Nothing may be found with it, and something has to be found without it.',
    toControls(saved),
    await readNotes(records),
    HOW_TO_RUN,
  ].join('\n\n')
  const layout = { parser: 'markdown', printWidth: 100 } as const
  await writeFile(join(folder, 'faults.md'), await format(text, layout))
}

/** Optional notes by people about these runs. */
async function readNotes(records: string): Promise<string> {
  return readFile(join(records, 'notes.md'), 'utf8').catch(() => '')
}

async function readSaved(records: string): Promise<SavedRun[]> {
  const files = (await readdir(records)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    // This program wrote the file.
    files.map(async (file) => JSON.parse(await readFile(join(records, file), 'utf8')) as SavedRun),
  )
}

/** A run with every kind of fault, of the unchanged product. */
function isPlain({ without, beside, only }: SavedRun): boolean {
  return without === undefined && beside === undefined && only === undefined
}

const HEAD = `# Fault report

Real processes, a real Redis and a real store run under load while they are killed, paused, cut off and slowed down. Every operation of every client is recorded, every reader's log is read in the end, and [twelve checkers](../../tests/fault/checkers) hold the one against the other: messages that are lost, unexpected, doubled or out of order, readers that disagree, questions without exactly one answer, answers with another text than the model's, attempts that overtake each other, viewers that do not catch up, processes that end badly. One client in three is the product's own client core, the others speak the protocol by themselves and share no code with it. This page is made from the records and the notes in [\`${RECORDS}/\`](${RECORDS}/), which hold every count, fault and metric of each run.

## Runs`

function toMachine([longest]: readonly SavedRun[]): string {
  if (!longest) return 'Nothing was run.'
  const { cpus, model, memoryBytes, node, store } = longest.machine
  const memory = Math.round(memoryBytes / 2 ** 30)
  return `${cpus} × ${model.trim()}, ${memory} GB, Node.js ${node}; the store was ${store}.`
}

function toRuns(plain: readonly SavedRun[]): string {
  const rows = plain.map((run) => [
    `[\`${nameOf(run)}\`](${RECORDS}/${nameOf(run)}.json)`,
    run.startedAt.slice(0, 10),
    run.commit ?? '',
    formatMs(run.durationMs),
    formatCount(run.checks.looked.acknowledged ?? 0),
    formatCount(run.checks.looked.resends ?? 0),
    `${formatCount(countFaults(run))} (${countKinds(run)})`,
    describeFindings(run) ?? '**none**',
  ])
  const head = [
    'Run',
    'Date',
    'Commit',
    'Took',
    'Acknowledged',
    'Sent again',
    'Faults (kinds)',
    'Findings',
  ]
  return table(head, rows)
}

function describeFindings(run: SavedRun): string | undefined {
  if (countFindings(run) === 0) return undefined
  return Object.entries(run.checks.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ')
}

function toFindings(run: SavedRun): string[] {
  return run.checks.findings.map(({ check, message }) => {
    return `- \`${nameOf(run)}\`, ${check}: ${toCell(message)}`
  })
}

function toDurations(plain: readonly SavedRun[]): string {
  const rows = Object.entries(DURATIONS).flatMap(([name, title]) => {
    const countOf = ({ checks }: SavedRun): number => checks.durations[name]?.count ?? 0
    const [run] = plain.toSorted((a, b) => countOf(b) - countOf(a))
    const durations = run?.checks.durations[name]
    if (!run || !durations || durations.count === 0) return []
    const quantiles = SHARES.map((share) => formatMs(quantile(durations.sortedMs, share)))
    return [[title, `\`${nameOf(run)}\``, formatCount(durations.count), ...quantiles]]
  })
  return table(['From and to', 'Run', 'Cases', 'p50', 'p90', 'p99', 'longest'], rows)
}

/** Shows each run without a safety beside the same run with it. */
function toControls(runs: readonly SavedRun[]): string {
  const rows = CONTROLS.map((control) => toControl(control, runs))
  return table(['Left out', 'With it', 'Without it', 'For example'], rows)
}

function toControl({ without, title, expects }: Control, runs: readonly SavedRun[]): string[] {
  const pairs = runs
    .filter((run) => run.without === without)
    .map((unsafe) => ({ unsafe, safe: runs.find((run) => !run.without && isSame(run, unsafe)) }))
  const { unsafe, safe } = pairs.find((pair) => pair.safe) ?? pairs[0] ?? {}
  const example = unsafe?.checks.findings.find(({ check }) => expects.includes(check))
  return [
    `**${without}**: ${title}`,
    describe(safe),
    describe(unsafe),
    example ? toCell(example.message) : '',
  ]
}

function isSame(a: SavedRun, b: SavedRun): boolean {
  return a.profile === b.profile && a.seed === b.seed && a.only?.join() === b.only?.join()
}

function describe(run: SavedRun | undefined): string {
  if (!run) return 'not run'
  const messages = formatCount(run.checks.looked.acknowledged ?? 0)
  return describeFindings(run) ?? `nothing found in ${messages} messages`
}

const HOW_TO_RUN = `## How to run it

\`\`\`sh
npm run test:faults -- --profile smoke          # a minute of faults; part of npm test
npm run test:faults -- --profile ci             # some minutes; part of every build
npm run test:faults -- --profile soak           # an hour and a quarter
npm run test:faults -- --profile standalone     # one process on SQLite
npm run test:faults -- --profile zombies        # one kind of fault; so are deaths, terms and away
npm run test:faults -- --with HEAD~             # every second process as of that commit
npm run test:faults -- --controls               # the negative controls, with and without
npm run test:faults -- --profile ci --report    # adds its record here and writes this page anew
\`\`\`

\`--seed N\` makes the same choices again: who is hit by what and when, and who sends what. What the machine makes of it differs from run to run.`
