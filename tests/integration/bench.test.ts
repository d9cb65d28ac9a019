import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from '@jest/globals'
import { describeWithCluster } from '../support/describe-with-cluster.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TIMEOUT_MS = 60_000

async function bench(...args: string[]): Promise<string> {
  const command = ['--conditions=chatbox-source', 'bench/src/main.ts', ...args]
  return (await promisify(execFile)(process.execPath, command, { cwd: ROOT })).stdout
}

describeWithCluster('the bench', () => {
  it(
    'measures first deltas at clients of a cluster',
    async () => {
      const table = await bench('--suite', 'first-delta', '--streams', '2', '--rounds', '2')
      expect(table).toMatch(/first byte to first delta, p50 +\d+\.\d ms +reach 10 ms/)
      expect(table).toMatch(/first byte to first delta, p99 +\d+\.\d ms +reach 50 ms/)
      expect(table).toMatch(/replies, 2 at once +4/)
    },
    TIMEOUT_MS,
  )

  it(
    'measures starts and idle memory',
    async () => {
      const table = await bench('--suite', 'start', '--rounds', '1')
      expect(table).toMatch(/standalone, start to ready, median +\d+\.\d ms/)
      expect(table).toMatch(/gateway, start to ready, median +\d+\.\d ms/)
      expect(table).toMatch(/resident memory, idle +\d+\.\d MB/)
    },
    TIMEOUT_MS,
  )

  it('names its suites when it is asked for another', async () => {
    await expect(bench('--suite', 'unknown')).rejects.toThrow('--suite takes first-delta, start')
  })
})
