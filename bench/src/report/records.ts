import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { RunRecord } from '../compare/run-comparison.ts'

/** Where the report and what it is made of are kept. */
export const REPORTS = fileURLToPath(new URL('../../../docs/reports/', import.meta.url))
export const RECORDS = `${REPORTS}bench/`

export async function saveRecord(record: RunRecord): Promise<void> {
  await mkdir(RECORDS, { recursive: true })
  await writeFile(`${RECORDS}${record.suite}.json`, `${JSON.stringify(record, undefined, 2)}\n`)
}

export async function readRecords(): Promise<RunRecord[]> {
  const files = (await readdir(RECORDS)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => JSON.parse(await readFile(`${RECORDS}${file}`, 'utf8')) as RunRecord),
  )
}
