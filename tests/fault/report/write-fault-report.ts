import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { format } from 'prettier'
import type { RunRecord } from '../history.ts'
import { drawDistribution, type Distribution } from './draw-distribution.ts'
import { formatCount, formatMs, table } from './markdown.ts'
import { countFindings, nameOf, toSavedRun, type SavedRun } from './saved-run.ts'
import { toControlsSection } from './to-controls-section.ts'
import { toFigures } from './to-figures.ts'
import { DURATIONS, toRunSection, type Plot } from './to-run-section.ts'

/** Beside the report, in the folder of the same name: the records and the plots. */
const RECORDS = 'faults'
const PLOTTED: [name: string, limit?: Distribution['limit']][] = [
  ['takeOver', { ms: 8000, text: 'to reach: 8 s' }],
  ['takeOverUnderFaults', { ms: 8000, text: '8 s' }],
  ['catchUp'],
  ['reconnect'],
]

/**
 * Adds runs to the records in `folder` and writes `faults.md` and its plots anew from all of them, the
 * notes beside them, and nothing else. A run of the same name takes the place of an earlier one.
 */
export async function writeFaultReport(runs: readonly RunRecord[], folder: string): Promise<void> {
  const records = join(folder, RECORDS)
  await mkdir(records, { recursive: true })
  for (const run of runs.map(toSavedRun)) {
    await writeFile(join(records, `${nameOf(run)}.json`), `${JSON.stringify(run)}\n`)
  }
  const saved = await readSaved(records)
  const sections = []
  // The longest has the most to say.
  const plain = saved.filter(isPlain).toSorted((a, b) => b.durationMs - a.durationMs)
  for (const run of plain) sections.push(toRunSection(run, await writePlots(run, folder)))
  const text = [
    toHead(plain, await readNotes(records)),
    toControlsSection(saved),
    ...sections,
  ].join('\n\n')
  const layout = { parser: 'markdown', printWidth: 100 } as const
  await writeFile(join(folder, 'faults.md'), await format(text, layout))
}

/** What people have to say about these runs, beside them; they need not say anything. */
async function readNotes(records: string): Promise<string> {
  return readFile(join(records, 'notes.md'), 'utf8').catch(() => '')
}

async function readSaved(records: string): Promise<SavedRun[]> {
  const files = (await readdir(records)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    // Written by this very program.
    files.map(async (file) => JSON.parse(await readFile(join(records, file), 'utf8')) as SavedRun),
  )
}

/** One with every kind of fault, of the product as it is. */
function isPlain({ without, beside, only }: SavedRun): boolean {
  return without === undefined && beside === undefined && only === undefined
}

async function writePlots(run: SavedRun, folder: string): Promise<Plot[]> {
  const plots: Plot[] = []
  for (const [name, limit] of PLOTTED) {
    const durations = run.checks.durations[name]
    if (!durations) continue
    const title = toTitle(DURATIONS[name] ?? name)
    const file = `${RECORDS}/${nameOf(run)}-${name}.svg`
    const plot = drawDistribution({ title, durations, ...(limit ? { limit } : {}) })
    await writeFile(join(folder, file), plot)
    plots.push({ title, file })
  }
  return plots
}

function toTitle(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function toHead(plain: readonly SavedRun[], notes: string): string {
  return [
    '# Fault report',
    `Real processes, a real Redis and a real store run under load while they are killed, paused, cut off and slowed down. Every operation of every client is recorded, every reader's log is read in the end, and [twelve checkers](../../tests/fault/checkers) hold the one against the other. One client in three is the product's own client core, the others speak the protocol by themselves and share no code with it. All of this page is made from the records and the notes in [\`${RECORDS}/\`](${RECORDS}/).`,
    '## Runs',
    toOverview(plain),
    '## Figures',
    'Each from the run that was made for it. What is not reached is stated as it was measured. How soon an answer goes on after its worker was killed, how soon the sockets of a killed gateway are back, and what a slow reader costs the others is in [the benchmark](bench.md).',
    toFigures(plain),
    notes,
    HOW_TO_RUN,
  ].join('\n\n')
}

function toOverview(plain: readonly SavedRun[]): string {
  const rows = plain.map((run) => [
    `\`${nameOf(run)}\``,
    formatMs(run.durationMs),
    formatCount(run.checks.looked.acknowledged ?? 0),
    formatCount(run.checks.looked.resends ?? 0),
    formatCount(run.nemeses.reduce((sum, { done }) => sum + done, 0)),
    formatCount(run.nemeses.filter(({ done }) => done > 0).length),
    countFindings(run) === 0 ? '**none**' : `**${formatCount(countFindings(run))}**`,
  ])
  const head = ['Run', 'Took', 'Acknowledged', 'Sent again', 'Faults', 'Kinds', 'Findings']
  return table(head, rows)
}

const HOW_TO_RUN = `## How to run it

\`\`\`sh
npm run test:faults -- --profile smoke          # a minute of faults; part of npm test
npm run test:faults -- --profile ci             # some minutes; part of every build
npm run test:faults -- --profile soak           # an hour and a quarter
npm run test:faults -- --profile standalone     # one process on SQLite
npm run test:faults -- --profile zombies        # one kind of fault; so are deaths, terms and away
npm run test:faults -- --with HEAD~             # every second process as of that commit
npm run test:faults -- --controls               # the negative controls below, with and without
npm run test:faults -- --profile ci --report    # adds its record here and writes this page anew
\`\`\`

\`--seed N\` makes the same choices again: who is hit by what and when, and who sends what. What the machine makes of it differs from run to run.`
