import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { readOptions } from '../../../scripts/read-options.ts'
import type { RunRecord } from '../history.ts'
import { writeFaultReport } from './write-fault-report.ts'

const REPORTS = fileURLToPath(new URL('../../../docs/reports', import.meta.url))

const { positionals } = readOptions({
  usage: 'npm run report:faults --',
  about: 'Adds the records of finished runs to docs/reports and writes the report there anew.',
  options: {},
  positionals: '[RUN.json...]',
})
const runs = await Promise.all(
  // The harness wrote this file.
  positionals.map(async (file) => JSON.parse(await readFile(file, 'utf8')) as RunRecord),
)
await writeFaultReport(runs, REPORTS)
