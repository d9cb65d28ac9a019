import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { startMongo } from '../environment/servers/mongo.ts'
import type { Sample } from '../../bench/src/compare/comparison.ts'
import type { RunRecord } from '../../bench/src/compare/run-comparison.ts'
import { describeWithCluster } from './describe-with-cluster.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TIMEOUT_MS = 300_000

/** Everything that a suite is to compare, the baseline and its double first. */
type Expected = Record<string, readonly string[]>

/**
 * Runs the suites in their smallest form, as real processes over one store, and checks the records;
 * those called `NAME-against` beside what is checked out.
 */
export function checkSuites(title: string, expected: Expected): void {
  describeWithCluster(title, () => {
    it(
      'measure every contestant, lose nothing and come to finite figures',
      async () => {
        const { records, report } = await runSmoke(Object.keys(expected))
        const compared = records.map(({ suite, entrants }) => [
          suite,
          entrants.map(({ name }) => name),
        ])
        expect(Object.fromEntries(compared)).toEqual(expected)
        for (const record of records) {
          checkRecord(record)
          expect(report).toContain(record.title)
        }
      },
      TIMEOUT_MS,
    )
  })
}

async function runSmoke(suites: string[]): Promise<{ records: RunRecord[]; report: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-bench-'))
  const mongo = await startMongo()
  try {
    const names = suites.map((suite) => suite.replace('-against', ''))
    const against = names.join() === suites.join() ? [] : ['--against', 'HEAD']
    const args = [...names.flatMap((name) => ['--suite', name]), ...against]
    const command = ['--conditions=chatbox-source', 'bench/src/main.ts', ...args]
    await promisify(execFile)(process.execPath, [...command, '--profile', 'smoke', '--save'], {
      cwd: ROOT,
      env: { ...process.env, MONGO_URI: mongo.uri, BENCH_REPORTS: folder },
    })
    const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')
    const texts = await Promise.all(suites.map((suite) => read(`bench/${suite}.json`)))
    const records = texts.map((text) => JSON.parse(text) as RunRecord)
    return { records, report: await read('bench.md') }
  } finally {
    await mongo.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function checkRecord(record: RunRecord): void {
  const { suite, profile, baseline, nullEntrant, metrics, entrants } = record
  const names = entrants.map(({ name }) => name)
  expect({ suite, profile }).toEqual({ suite, profile: 'smoke' })
  expect(names).toEqual(expect.arrayContaining([baseline, nullEntrant ?? baseline]))
  for (const { name, samples } of entrants) {
    expect(samples).toHaveLength(1)
    checkSample(`${suite}: ${name}`, samples[0] ?? {})
  }
  const base = entrants.find(({ name }) => name === baseline)?.samples[0] ?? {}
  for (const { name } of metrics.filter(({ compared }) => compared)) {
    expect({ suite, name, isFinite: Number.isFinite(base[name]) }).toEqual({
      ...{ suite, name },
      isFinite: true,
    })
  }
}

/** What was sent has arrived, once and in its place. */
function checkSample(where: string, sample: Sample): void {
  const { sent = 0, delivered, lost = 0, duplicates = 0, misordered = 0 } = sample
  expect({ where, hasSent: sent > 0 }).toEqual({ where, hasSent: true })
  expect({ where, delivered, lost, duplicates, misordered }).toEqual({
    ...{ where, delivered: sent },
    ...{ lost: 0, duplicates: 0, misordered: 0 },
  })
}
