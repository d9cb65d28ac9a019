import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import type { RunRecord } from '../compare/run-comparison.ts'

/** The folder of the report and its records: `BENCH_REPORTS`, or the documentation. */
export const REPORTS = process.env.BENCH_REPORTS
  ? join(process.env.BENCH_REPORTS, '/')
  : fileURLToPath(new URL('../../../docs/reports/', import.meta.url))
export const RECORDS = `${REPORTS}bench/`

export async function saveRecord(record: RunRecord): Promise<void> {
  await mkdir(RECORDS, { recursive: true })
  await writeFormatted(`${RECORDS}${record.suite}.json`, JSON.stringify(record))
}

export async function readRecords(): Promise<RunRecord[]> {
  const files = (await readdir(RECORDS)).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => JSON.parse(await readFile(`${RECORDS}${file}`, 'utf8')) as RunRecord),
  )
}

/** Formatted like the repository's other files, because the check includes these. */
export async function writeFormatted(file: string, text: string): Promise<void> {
  const config = await resolveConfig(file)
  await writeFile(file, await format(text, { ...config, filepath: file }))
}
