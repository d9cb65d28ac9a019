import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithParent } from '../../../scripts/end-with-parent.ts'
import { readOptions, refuseUsage } from '../../../scripts/read-options.ts'
import { endOnSignal } from '../../environment/servers/child.ts'
import { loadImages, makeImages } from './images.ts'
import { startLab, type Lab } from './lab.ts'
import { isPart, PARTS, type ProofOptions } from './proof-options.ts'

const { values } = readOptions({
  usage: 'npm run test:cluster --',
  about:
    'Proves the chart on a real one-node Kubernetes that it starts for itself and takes down again. The last line counts the checks; the exit code is 1 when one failed.',
  options: {
    only: {
      type: 'string',
      default: PARTS.join(','),
      value: 'PART,PART',
      about: 'the parts of the proof',
    },
    report: { type: 'boolean', default: false, about: 'writes docs/reports/chart.md' },
    keep: {
      type: 'boolean',
      default: false,
      about: 'leaves the cluster up for a look at it (lab/in, lab/down.sh)',
    },
  },
})
const only = values.only.split(',')
if (!only.every(isPart)) refuseUsage(`--only names parts of ${PARTS.join(', ')}`)
endWithParent()
endOnSignal()
const report = (line: string): void => void process.stdout.write(`${line}\n`)
const folder = await mkdtemp(join(tmpdir(), 'chatbox-cluster-'))
report(`history and records: ${folder}`)
let lab: Lab | undefined
try {
  const images = await makeImages(report)
  lab = await startLab(report, { isKept: values.keep })
  await loadImages(lab, images)
  const options: ProofOptions = { only, isReport: values.report, folder }
  const code = await lab.run('proof.ts', JSON.stringify(options))
  if (code !== 0) process.exitCode = 1
} catch (error) {
  report(error instanceof Error ? error.message : String(error))
  report('0 passed, 1 failed')
  process.exitCode = 1
} finally {
  lab?.stop()
}
