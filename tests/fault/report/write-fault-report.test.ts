import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { checkHistory } from '../checkers/check-history.ts'
import type { CheckReport, RunRecord } from '../history.ts'
import { CONTROLS } from '../unsafe/controls.ts'
import { quantile, thin } from './saved-run.ts'
import { writeFaultReport } from './write-fault-report.ts'

function createRecord(more: Partial<RunRecord>, checks: Partial<CheckReport> = {}): RunRecord {
  return {
    profile: 'soak',
    seed: 7,
    startedAt: '2026-01-02T03:04:05.000Z',
    durationMs: 61_000,
    machine: {
      cpus: 2,
      model: 'Some CPU',
      memoryBytes: 8 * 2 ** 30,
      node: 'v24.0.0',
      store: 'mongod',
    },
    processes: { gateways: 3, workers: 2, viewers: 9, sessions: 3 },
    nemeses: [
      { kind: 'worker-kill', planned: 12, done: 12, failed: 1 },
      { kind: 'store-pause', planned: 0, done: 0, failed: 0, skipped: 'no process of ours' },
    ],
    operations: { begun: 250_000 },
    checks: { ...checkHistory([], []), ...checks },
    metrics: { chatbox_writes_fenced_total: 41 },
    notes: ['last words of worker-1: at /home/somebody/secret/path.ts'],
    ...more,
  }
}

describe('writeFaultReport', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-report-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')
  const { counts } = checkHistory([], [])

  it('says of each figure what was measured and whether that reaches it', async () => {
    const run = createRecord(
      {},
      {
        looked: { acknowledged: 200_001, resends: 99, resendsAfterDroppedAnswer: 33 },
        durationsMs: { takeOver: [5000, 9000, 6000] },
      },
    )
    const attempts = { mostAttemptsOfOneReply: 20, repliesWithTwentyAttempts: 3 }
    const deaths = createRecord({ profile: 'deaths' }, { looked: attempts })
    const terms = createRecord({ profile: 'terms' }, { durationsMs: { endWhenAsked: [1200] } })
    const zombies = { zombies: 512, zombiesRefused: 510 }
    await writeFaultReport(
      [
        ...[run, deaths, terms, createRecord({ profile: 'away' })],
        createRecord({ profile: 'zombies' }, { looked: zombies }),
      ],
      folder,
    )
    const rows = (await read('faults.md')).split('\n').map((row) => row.replaceAll(/ +/gu, ' '))
    expect(rows).toEqual(
      expect.arrayContaining([
        '| `soak` | acknowledged messages | ≥ 200,000 | 200,001 | yes |',
        '| `soak` | messages sent again | ≥ 100,000 | 99 | **no** |',
        '| `soak` | findings of all checks | 0 | 0 | yes |',
        '| `soak` | faults | ≥ 300 | 12 | **no** |',
        '| `terms` | to the end of the process, longest | ≤ 25 s | 1.20 s | yes |',
        '| `away` | Redis back to the next request to the model, longest | ≤ 5.00 s | no case of it | **no** |',
        '| `zombies` | of these with their answer in the log | 0 | 2 | **no** |',
        '| `deaths` | replies with so many | ≥ 1 | 3 | yes |',
        '| `smoke` | not run | | | **no** |',
      ]),
    )
    expect(rows).toEqual(
      expect.arrayContaining([
        '| [`soak-7`](faults/soak-7.json) | 2026-01-02 | | 61 s | 200,001 | 99 | 12 (1) | **none** |',
        '| worker killed to the first text of the next attempt | `soak-7` | 3 | 6.00 s | 9.00 s | 9.00 s | 9.00 s |',
      ]),
    )
  })

  it('shows every finding that a run made, and takes the place of its earlier record', async () => {
    const message = 'message m1 was acknowledged at seq 3 and is not in the | log'
    const found = {
      counts: { ...counts, lost: 2 },
      findings: [{ check: 'lost' as const, message }],
    }
    await writeFaultReport([createRecord({}, found)], folder)
    const text = await read('faults.md')
    expect(text).toContain(
      '- `soak-7`, lost: message m1 was acknowledged at seq 3 and is not in the \\| log',
    )
    expect(text).not.toContain('200,001')
    expect(text).toMatch(/\| findings of all checks +\| 0 +\| 2 +\| \*\*no\*\* +\|/u)
  })

  it('sets each control beside the same run with its safety, and says which were not run', async () => {
    const [control] = CONTROLS
    if (!control) throw new Error('there are no controls')
    const { without } = control
    const focus = { profile: 'control', seed: 5 }
    const finding = { check: 'duplicated' as const, message: 'message m2 is in the log twice' }
    await writeFaultReport(
      [
        createRecord(focus, { looked: { acknowledged: 500 } }),
        createRecord({ ...focus, seed: 6 }, { looked: { acknowledged: 999 } }),
        createRecord(
          { ...focus, without },
          { counts: { ...counts, duplicated: 9 }, findings: [finding] },
        ),
      ],
      folder,
    )
    const rows = (await read('faults.md')).split('\n').filter((row) => row.startsWith('| **'))
    expect(rows).toHaveLength(CONTROLS.length)
    expect(rows[0]).toMatch(/nothing found in 500 messages +\| 9 duplicated +\| message m2/u)
    expect(rows[1]).toMatch(/not run +\| not run/u)
  })

  it('keeps nothing of the machine but what the report says', async () => {
    const kept = await read('faults/soak-7.json')
    expect(kept + (await read('faults.md'))).not.toContain('somebody')
  })
})

describe('quantiles', () => {
  it('takes the value that so many do not exceed', () => {
    const sorted = Array.from({ length: 100 }, (_, index) => index + 1)
    expect([0.5, 0.9, 0.99, 1].map((share) => quantile(sorted, share))).toEqual([50, 90, 99, 100])
    expect(quantile([7], 0.99)).toBe(7)
  })

  it('thins to fewer values of the same range and order', () => {
    const durations = fc.array(fc.nat(100_000), { minLength: 1, maxLength: 2000 })
    fc.assert(
      fc.property(durations, (values) => {
        const thinned = thin(values, 101)
        expect(thinned.length).toBe(Math.min(101, values.length))
        expect(thinned).toEqual(thinned.toSorted((a, b) => a - b))
        expect(thinned[0]).toBe(Math.min(...values))
        expect(thinned.at(-1)).toBe(Math.max(...values))
      }),
    )
  })
})
