import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import type { RunRecord } from './history.ts'

const PROGRAM = fileURLToPath(new URL('run.ts', import.meta.url))
const RUN_TIMEOUT_MS = 180_000

describeWithCluster('a cluster under faults', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-faults-'))
  })
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true })
  })

  /** The command as it is typed. */
  async function run(name: string, args: string[]): Promise<{ code: number; text: string }> {
    const out = join(folder, name)
    return new Promise((resolve) => {
      execFile(
        process.execPath,
        ['--conditions=chatbox-source', PROGRAM, '--out', out, ...args],
        { timeout: RUN_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => {
          resolve({ code: error ? Number(error.code ?? 1) : 0, text: `${stdout}${stderr}` })
        },
      )
    })
  }

  it(
    'loses nothing, doubles nothing and keeps one order',
    async () => {
      const { code, text } = await run('smoke', ['--profile', 'smoke', '--seed', '1'])
      expect({ code, text }).toEqual({ code: 0, text: expect.stringContaining('no findings') })
      const record = JSON.parse(await readFile(join(folder, 'smoke/run.json'), 'utf8')) as RunRecord
      expect(record.nemeses.filter(({ done }) => done > 0).length).toBeGreaterThanOrEqual(10)
      expect(record.nemeses.filter(({ failed }) => failed > 0)).toEqual([])
      expect(record.checks.looked.acknowledged).toBeGreaterThan(300)
    },
    RUN_TIMEOUT_MS + 5000,
  )

  it(
    'is found guilty where a safety is left out',
    async () => {
      const quick = ['--seed', '1', '--seconds', '5', '--only', 'link-reset']
      const { code, text } = await run('unsafe', [...quick, '--without', 'dedupe'])
      expect(code).toBe(1)
      expect(text).toMatch(/duplicated: message/u)
    },
    RUN_TIMEOUT_MS + 5000,
  )
})
