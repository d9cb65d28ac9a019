import { CONTROLS, type Control } from '../unsafe/controls.ts'
import { formatCount, table, toCell } from './markdown.ts'
import { countFindings, type SavedRun } from './saved-run.ts'

/** Each safety left out once, beside the same run with it. */
export function toControlsSection(runs: readonly SavedRun[]): string {
  const rows = CONTROLS.map((control) => toRow(control, runs))
  return [
    '## Negative controls',
    'A check that has never found anything proves nothing. So each of six safeties was left out, in processes that exist for this alone, of the same run: the same load, the same seed, the same kinds of fault. Nothing may be found with it, and something has to be found without it.',
    table(['Left out', 'With it', 'Without it', 'For example'], rows),
  ].join('\n\n')
}

function toRow({ without, title, expects }: Control, runs: readonly SavedRun[]): string[] {
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
  if (countFindings(run) === 0) {
    return `nothing found in ${formatCount(run.checks.looked.acknowledged ?? 0)} messages`
  }
  return Object.entries(run.checks.counts)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${formatCount(count)} ${name}`)
    .join(', ')
}
