import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { format } from 'prettier'
import { ROOT } from '../../../../scripts/run-command.ts'
import { findCommit } from '../../../environment/versions.ts'
import type { CheckReport } from '../../../fault/history.ts'
import { table } from '../../../fault/report/markdown.ts'
import type { CheckResult } from '../checks.ts'
import { mayReach, type Matrix } from '../policies/meant.ts'
import { drawTimeline } from './draw-timeline.ts'
import type { Mark, Sample } from './timeline.ts'

/** What the proof measured, by part. */
export interface ChartRecord {
  /** Seconds from `helm install` to everything ready, images present. */
  installS: number
  matrix: { meant: Matrix; orExtra: string[] }
  autoscaling: { samples: Sample[]; marks: Mark[]; upS: number; stepsDownS: number[] }
  upgrade: UpgradeRecord
}

interface UpgradeRecord {
  samples: Sample[]
  marks: Mark[]
  sockets: number
  /** Seconds from `helm upgrade` until the last pod of the version before was gone. */
  tookS: number
  reconnects: { total: number; mostInASecond: number; perSecond: number[] }
  answers: { finished: number; longestPauseMs: number }
  checks: Pick<CheckReport, 'counts' | 'looked'>
}

/** Everything that the page is made of, as it is saved beside it. */
export interface ChartRun extends ChartRecord {
  at: string
  commit: string
  machine: string
  results: readonly CheckResult[]
}

const REPORTS = join(ROOT, 'docs/reports')
/** Beside the report, in the folder of the same name: the record and the plots. */
const FOLDER = 'chart'
const TITLES = {
  autoscaling: 'Connections and pods while people come and go',
  upgrade: 'An upgrade and a scale-down with 500 sockets',
}

/**
 * Writes `docs/reports/chart.md`, its plots and its record, all from one run. Throws where a part did
 * not run.
 */
export async function writeChartReport(
  record: Partial<ChartRecord>,
  results: readonly CheckResult[],
): Promise<void> {
  const { installS, matrix, autoscaling, upgrade } = record
  if (installS === undefined || !matrix || !autoscaling || !upgrade) {
    throw new Error('the report needs every part to have come to its end')
  }
  const memory = Math.round(totalmem() / 2 ** 30)
  const run: ChartRun = {
    at: new Date().toISOString(),
    commit: (await findCommit()) ?? 'unknown',
    machine: `${cpus().length} shared cores (${cpus()[0]?.model ?? ''}), ${memory} GB`,
    ...{ installS, matrix, autoscaling, upgrade, results },
  }
  const folder = join(REPORTS, FOLDER)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(run)}\n`)
  for (const [name, plot] of Object.entries(toPlots(run))) {
    await writeFile(join(folder, `${name}.svg`), plot)
  }
  await writeFile(join(REPORTS, 'chart.md'), await toPage(run))
}

/** The plots of a run, by the names of their files. */
export function toPlots({ autoscaling, upgrade }: ChartRun): Record<string, string> {
  return {
    autoscaling: drawTimeline({ title: TITLES.autoscaling, ...autoscaling }),
    upgrade: drawTimeline({ title: TITLES.upgrade, ...upgrade }),
  }
}

/** The page of a run, as the repository formats it. */
export async function toPage(run: ChartRun): Promise<string> {
  const { upgrade, matrix, results } = run
  const text = [
    '# The chart on a real cluster',
    `A one-node Kubernetes 1.36 with the product's real image, installed by Helm from the chart as it is, with Redis, a store, Prometheus and prometheus-adapter in pods. Made by \`npm run test:cluster -- --report\` on ${run.at.slice(0, 10)}, commit ${run.commit}; ${run.machine}, with control plane, pods and all clients on the same machine. All of it is in [\`${FOLDER}/run.json\`](${FOLDER}/run.json).`,
    '## Figures',
    toFigures(run),
    `![${TITLES.autoscaling}](${FOLDER}/autoscaling.svg)`,
    "Prometheus scrapes every 2 s and the controller decides every 3 s here; 15 s each is usual, and puts up to half a minute on top. A scale-down may take a pod every 24 s, which is the grace period of a pod in this lab; the chart's own default is one every 180 s after 10 quiet minutes.",
    `![${TITLES.upgrade}](${FOLDER}/upgrade.svg)`,
    toUpgrade(upgrade),
    '## Who reaches what',
    'Tried from a pod of each kind to every port, twice: without policies all pairs connect, with them these.',
    toMatrix(matrix.meant),
    '## Checks',
    toChecks(results),
    HOW_TO_RUN,
  ].join('\n\n')
  return format(text, { parser: 'markdown', printWidth: 100 })
}

function toFigures({ installS, matrix, autoscaling, upgrade }: ChartRecord): string {
  const { reconnects, sockets, checks, answers } = upgrade
  const { lost, duplicated, order } = checks.counts
  const pairs = Object.values(matrix.meant).reduce((sum, row) => sum + Object.keys(row).length, 0)
  const share = ((100 * reconnects.mostInASecond) / sockets).toFixed(1)
  return table(
    ['Figure', 'Reach', 'Measured'],
    [
      ['`helm install` until everything is ready, images present', '', `${installS} s`],
      ['connection matrix', 'exactly the meant pairs', `${pairs} of ${pairs} pairs as meant`],
      ['an OR in place of the AND', 'caught', `${matrix.orExtra.length} pairs more`],
      ['HPA up: first of 2,000 people to 4 ready pods', '<= 60 s', `${autoscaling.upS} s`],
      ['HPA down', 'one pod a step', `${autoscaling.stepsDownS.length} steps of one`],
      ['upgrade of 3 gateways and 2 workers', '', `${upgrade.tookS} s`],
      ['lost, doubled, out of order', '0, 0, 0', [lost, duplicated, order].join(', ')],
      ['sockets that reconnect in the worst second', '<= 10 %', `${share} %`],
      ['longest time without a finished answer', '', `${answers.longestPauseMs / 1000} s`],
    ],
  )
}

function toUpgrade({ checks: { looked }, reconnects, sockets }: UpgradeRecord): string {
  return `${sockets} sockets in ${looked.sessions} sessions, 26 of which always want an answer, so that 20 are being written. Held against each other by the checkers of the [fault report](faults.md): ${looked.acknowledged} messages acknowledged, ${looked.resends} sent again, ${looked.repliesComplete} answers complete, ${looked.frames} frames seen. ${reconnects.total} times a socket came back, at most ${reconnects.mostInASecond} in a second.`
}

/** Actors down, targets across: what connects is marked; every other pair was refused. */
function toMatrix(matrix: Matrix): string {
  const targets = Object.keys(Object.values(matrix)[0] ?? {})
  const rows = Object.entries(matrix).map(([actor, outcomes]) => [
    actor,
    ...targets.map((target) => {
      const isOpen = outcomes[target] === 'open'
      return isOpen === mayReach(actor, target) ? (isOpen ? 'yes' : '') : '**wrong**'
    }),
  ])
  return table(['From', ...targets], rows)
}

function toChecks(results: readonly CheckResult[]): string {
  const failed = results.filter(({ passed }) => !passed)
  const passed = results.filter((result) => result.passed).map(({ name }) => name)
  return [
    `${passed.length} passed, ${failed.length} failed.`,
    ...failed.map(({ name, note }) => `- **FAILED**: ${name}: ${note}`),
    `Passed: ${passed.join('; ')}.`,
  ].join('\n\n')
}

const HOW_TO_RUN = `## How to run it

\`\`\`sh
npm run test:cluster                        # everything; starts the cluster and takes it down again
npm run test:cluster -- --only policies     # one part
npm run test:cluster -- --keep              # leaves it up, for tests/operations/cluster/lab/in kubectl ...
\`\`\`

It needs root on Linux, a Docker Engine for the images, and what [its lab](../../tests/operations/cluster/lab/README.md) names.`
