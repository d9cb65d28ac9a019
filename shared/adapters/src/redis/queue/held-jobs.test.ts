import { expect, it } from '@jest/globals'
import { HeldJobs, MAX_HELD } from './held-jobs.ts'

it('a worker holds at most 200 jobs of a lane that has enough places', () => {
  let held = 0
  const jobs = new HeldJobs(5, (count) => (held = count))
  const stopped = new AbortController()
  const never = () => new Promise<void>(() => undefined)
  for (let index = 0; index < 300; index++) {
    void jobs.run('crowded', stopped.signal, never).catch(() => undefined)
  }
  expect([held, MAX_HELD]).toEqual([200, 200])
  stopped.abort()
})
