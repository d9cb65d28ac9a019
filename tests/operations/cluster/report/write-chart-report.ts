import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { format } from 'prettier'
import { table } from '../../../fault/report/markdown.ts'
import type { CheckResult } from '../checks.ts'
import { mayReach, type Matrix } from '../policies/meant.ts'
import { drawTimeline } from './draw-timeline.ts'
import type { ChartRecord, UpgradeRecord } from './record.ts'

const REPORTS = fileURLToPath(new URL('../../../../docs/reports', import.meta.url))
/** Beside the report, in the folder of the same name: the record and the plots. */
const FOLDER = 'chart'
const TITLES = {
  autoscaling: 'Connections and pods while people come and go',
  upgrade: 'An upgrade and a scale-down with 500 sockets',
}

/** Writes `docs/reports/chart.md`, its plots and its record, all from one run. */
export async function writeChartReport(
  record: ChartRecord,
  results: readonly CheckResult[],
): Promise<void> {
  const folder = join(REPORTS, FOLDER)
  await mkdir(folder, { recursive: true })
  const whole = { at: new Date().toISOString(), commit: await findCommit(), ...record, results }
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(whole)}\n`)
  for (const name of ['autoscaling', 'upgrade'] as const) {
    const plot = drawTimeline({ title: TITLES[name], ...record[name] })
    await writeFile(join(folder, `${name}.svg`), plot)
  }
  const text = [
    toHead(whole.at, whole.commit),
    toFigures(record),
    `![${TITLES.autoscaling}](${FOLDER}/autoscaling.svg)`,
    ABOUT_AUTOSCALING,
    `![${TITLES.upgrade}](${FOLDER}/upgrade.svg)`,
    toUpgrade(record.upgrade),
    toMatrix(record.matrix.meant),
    toResults(results),
    HOW_TO_RUN,
  ].join('\n\n')
  const layout = { parser: 'markdown', printWidth: 100 } as const
  await writeFile(join(REPORTS, 'chart.md'), await format(text, layout))
}

async function findCommit(): Promise<string> {
  const cwd = import.meta.dirname
  const git = (...args: string[]): Promise<string> =>
    promisify(execFile)('git', args, { cwd }).then(({ stdout }) => stdout.trim())
  try {
    const commit = await git('rev-parse', '--short', 'HEAD')
    return (await git('status', '--porcelain')) === '' ? commit : `${commit} with changes`
  } catch {
    return 'unknown'
  }
}

function toHead(at: string, commit: string): string {
  const [cpu] = cpus()
  const memory = Math.round(totalmem() / 2 ** 30)
  return [
    '# The chart on a real cluster',
    `A one-node Kubernetes 1.36 with the product's real image, installed by Helm from the chart as it is, with Redis, a store, Prometheus and prometheus-adapter in pods. Made by \`npm run test:cluster -- --report\` on ${at.slice(0, 10)}, commit ${commit}; ${cpus().length} shared cores (${cpu?.model ?? ''}), ${memory} GB, with control plane, pods and all clients on the same machine. All of it is in [\`${FOLDER}/run.json\`](${FOLDER}/run.json).`,
  ].join('\n\n')
}

function toFigures({ installS, matrix, autoscaling, upgrade }: ChartRecord): string {
  const { reconnects, sockets, checks, answers } = upgrade
  const { lost, duplicated, order } = checks.counts
  const pairs = Object.values(matrix.meant).reduce((sum, row) => sum + Object.keys(row).length, 0)
  const share = ((100 * reconnects.mostInASecond) / sockets).toFixed(1)
  const rows = [
    ['`helm install` until everything is ready, images present', '', `${installS} s`],
    ['connection matrix', 'exactly the meant pairs', `${pairs} of ${pairs} pairs as meant`],
    ['an OR in place of the AND', 'caught', `${matrix.orExtra.length} pairs more`],
    ['HPA up: first of 2,000 people to 4 ready pods', '<= 60 s', `${autoscaling.upS} s`],
    ['HPA down', 'one pod a step', `${autoscaling.stepsDownS.length} steps of one`],
    ['upgrade of 3 gateways and 2 workers', '', `${upgrade.tookS} s`],
    ['lost, doubled, out of order', '0, 0, 0', [lost, duplicated, order].join(', ')],
    ['sockets that reconnect in the worst second', '<= 10 %', `${share} %`],
    ['longest time without a finished answer', '', `${answers.longestPauseMs / 1000} s`],
  ]
  return ['## Figures', table(['Figure', 'Reach', 'Measured'], rows)].join('\n\n')
}

const ABOUT_AUTOSCALING = `Prometheus scrapes every 2 s and the controller decides every 3 s here; 15 s each is usual, and puts up to half a minute on top. A scale-down may take a pod every 24 s, which is the grace period of a pod in this lab; the chart's own default is one every 180 s after 10 quiet minutes.`

function toUpgrade({ checks, reconnects, sockets }: UpgradeRecord): string {
  const { looked } = checks
  return [
    `${sockets} sockets in ${looked.sessions} sessions, 26 of which always want an answer, so that 20 are being written. Held against each other by the checkers of the [fault report](faults.md): ${looked.acknowledged} messages acknowledged, ${looked.resends} sent again, ${looked.repliesComplete} answers complete, ${looked.frames} frames seen. ${reconnects.total} times a socket came back, in each second so many:`,
    `\`${reconnects.perSecond.join(' ')}\``,
  ].join('\n\n')
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
  return [
    '## Who reaches what',
    'Tried from a pod of each kind to every port, twice: without policies all pairs connect, with them these.',
    table(['From', ...targets], rows),
  ].join('\n\n')
}

function toResults(results: readonly CheckResult[]): string {
  const rows = results.map(({ name, passed, note }) => [passed ? 'ok' : '**FAILED**', name, note])
  const failed = results.filter(({ passed }) => !passed).length
  return [
    '## Checks',
    `${results.length - failed} passed, ${failed} failed.`,
    table(['', 'Check', 'Seen'], rows),
  ].join('\n\n')
}

const HOW_TO_RUN = `## How to run it

\`\`\`sh
npm run test:cluster                        # everything; starts the cluster and takes it down again
npm run test:cluster -- --only policies     # one part
npm run test:cluster -- --keep              # leaves it up, for tests/operations/cluster/lab/in kubectl ...
\`\`\`

It needs root on Linux, a Docker Engine for the images, and what [its lab](../../tests/operations/cluster/lab/README.md) names.`
