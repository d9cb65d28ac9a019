import { describe, expect, it } from '@jest/globals'
import { AppError } from '@chatbox/core'
import { createMetrics } from '@chatbox/kit'
import { watchQueue, type WatchDeps } from './watch-queue.ts'

const counts = async () => ({ waiting: 3, active: 2, delayed: 1, failed: 0 })
const oldestWaitingMs = async () => 1500

/** What is shown of the queue after a look at each of `queues`, one after the other. */
async function show(...queues: WatchDeps['queue'][]): Promise<string[]> {
  const metrics = createMetrics()
  for (const queue of queues) await watchQueue({ queue, metrics }).catch(() => undefined)
  const lines = (await metrics.registry.metrics()).split('\n')
  return lines.filter((line) => line.startsWith('chatbox_queue_'))
}

describe('watchQueue', () => {
  it('shows the jobs by state, and the age of the oldest in seconds', async () => {
    expect(await show({ counts, oldestWaitingMs })).toEqual([
      'chatbox_queue_jobs{queue="jobs",state="waiting"} 3',
      'chatbox_queue_jobs{queue="jobs",state="active"} 2',
      'chatbox_queue_jobs{queue="jobs",state="delayed"} 1',
      'chatbox_queue_jobs{queue="jobs",state="failed"} 0',
      'chatbox_queue_oldest_job_age_seconds{queue="jobs"} 1.5',
    ])
  })

  it('shows nothing any more once one of the two does not answer', async () => {
    const away = () => Promise.reject(new AppError('UNAVAILABLE', 'away'))
    const seen = { counts, oldestWaitingMs }
    expect(await show(seen, { counts: away, oldestWaitingMs })).toEqual([])
    expect(await show(seen, { counts, oldestWaitingMs: away })).toEqual([])
  })

  it('fails when the queue does not answer, so that the round counts as failed', async () => {
    const away = () => Promise.reject(new AppError('UNAVAILABLE', 'away'))
    const looking = watchQueue({
      queue: { counts: away, oldestWaitingMs },
      metrics: createMetrics(),
    })
    await expect(looking).rejects.toThrow('away')
  })
})
