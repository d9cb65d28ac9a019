// `node tests/fault/report/main.ts [RUN.json ...]`: adds the records of finished runs to docs/reports
// and writes the report anew; without any it only writes the report anew.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { RunRecord } from '../history.ts'
import { writeFaultReport } from './write-fault-report.ts'

const REPORTS = fileURLToPath(new URL('../../../docs/reports', import.meta.url))

const runs = await Promise.all(
  process.argv
    .slice(2)
    // Written by the harness.
    .map(async (file) => JSON.parse(await readFile(file, 'utf8')) as RunRecord),
)
await writeFaultReport(runs, REPORTS)
