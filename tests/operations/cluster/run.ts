// `npm run test:cluster -- [--only PART,PART] [--report] [--keep]`: proves the chart on a real one-node
// Kubernetes that it starts for itself and takes down again. The last line counts the checks; the
// exit code is 1 when one failed. `--report` writes docs/reports/chart.md; `--keep` leaves the cluster
// up for a look at it (lab/in, lab/down.sh).
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithParent } from '../../../scripts/end-with-parent.ts'
import { endOnSignal } from '../../../scripts/servers/end-on-signal.ts'
import { loadImages, makeImages } from './images.ts'
import { startLab, type Lab } from './lab.ts'
import { isPart, PARTS, type Part, type ProofOptions } from './proof-options.ts'

function readOptions(args: string[]): { only: Part[]; isReport: boolean; isKept: boolean } {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: PARTS.join(',') },
      report: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
    },
  })
  const only = values.only.split(',')
  if (!only.every(isPart)) throw new Error(`--only names parts of ${PARTS.join(', ')}`)
  return { only, isReport: values.report, isKept: values.keep }
}

endWithParent()
endOnSignal()
const { only, isReport, isKept } = readOptions(process.argv.slice(2))
const report = (line: string): void => void process.stdout.write(`${line}\n`)
const folder = await mkdtemp(join(tmpdir(), 'chatbox-cluster-'))
report(`history and records: ${folder}`)
let lab: Lab | undefined
try {
  const images = await makeImages(report)
  lab = await startLab(report, { isKept })
  await loadImages(lab, images)
  const options: ProofOptions = { only, isReport, folder }
  const code = await lab.run('proof.ts', JSON.stringify(options))
  if (code !== 0) process.exitCode = 1
} catch (error) {
  report(error instanceof Error ? error.message : String(error))
  report('0 passed, 1 failed')
  process.exitCode = 1
} finally {
  lab?.stop()
}
