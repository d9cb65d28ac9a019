import { readRecords } from './records.ts'

export async function writeReport(): Promise<void> {
  await readRecords()
}
