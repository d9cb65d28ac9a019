import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { AppError, type JobQueue } from '@chatbox/core'
import { createLogger, createMetrics } from '@chatbox/kit'
import type { Context } from '../context.ts'
import { startSweep, watchQueue } from './start-sweeps.ts'

const swept: string[] = []
const lines: string[] = []
const destination = { write: (line: string) => void lines.push(line) }
const context = {
  clock: { random: () => 0.5 },
  logger: createLogger('test', 'info', { destination }),
  metrics: { swept: (name: string, outcome: string) => void swept.push(`${name} ${outcome}`) },
} as Context
const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms)

describe('startSweep', () => {
  beforeEach(() => {
    jest.useFakeTimers()
    swept.length = 0
    lines.length = 0
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  it('sweeps again and again with a jittered pause, also after a failure', async () => {
    let runs = 0
    const sweep = startSweep(context, {
      name: 'test',
      everyMs: 1000,
      run: async () => {
        runs++
        if (runs === 1) throw new Error('once')
      },
    })
    await pass(749)
    expect(runs).toBe(0)
    await pass(1)
    expect(runs).toBe(1)
    await pass(7500)
    expect(runs).toBe(11)
    expect(swept.slice(0, 3)).toEqual(['test failed', 'test ok', 'test ok'])
    expect(swept).toHaveLength(11)
    await sweep.stop()
    await pass(10_000)
    expect(runs).toBe(11)
    expect(jest.getTimerCount()).toBe(0)
  })

  it('says once that it fails, why it does now, and that it works again', async () => {
    const away = new AppError('UNAVAILABLE', 'away')
    const ends = [away, away, new TypeError('a bug'), away, undefined, undefined, away]
    const sweep = startSweep(context, {
      name: 'test',
      everyMs: 1000,
      run: async () => {
        const end = ends.shift()
        if (end) throw end
      },
    })
    await pass(750 * ends.length)
    await sweep.stop()
    expect(swept.filter((line) => line === 'test failed')).toHaveLength(5)
    const said = lines.map((line) => JSON.parse(line) as { msg: string; err?: { message: string } })
    expect(said.map(({ msg, err }) => [msg, err?.message])).toEqual([
      ['sweep failed', 'away'],
      ['sweep failed', 'a bug'],
      ['sweep failed', 'away'],
      ['sweep works again', undefined],
      ['sweep failed', 'away'],
    ])
  })

  it('never runs twice at once, and its stop waits for the running one', async () => {
    const gate = Promise.withResolvers<undefined>()
    let runs = 0
    const sweep = startSweep(context, {
      name: 'test',
      everyMs: 1000,
      run: () => {
        runs++
        return gate.promise
      },
    })
    await pass(60_000)
    expect(runs).toBe(1)
    let stopped = false
    const stopping = sweep.stop().then(() => (stopped = true))
    await pass(0)
    expect(stopped).toBe(false)
    gate.resolve(undefined)
    await stopping
    expect(jest.getTimerCount()).toBe(0)
  })
})

const counts = async () => ({ waiting: 3, active: 2, delayed: 1, failed: 0 })
const oldestWaitingMs = async () => 1500
const isPaused = async () => true

type Looked = Pick<JobQueue, 'counts' | 'oldestWaitingMs' | 'isPaused'>

/** What is shown of the queue after a look at each of `queues`, one after the other. */
async function show(...queues: Looked[]): Promise<string[]> {
  const metrics = createMetrics()
  for (const queue of queues) {
    await watchQueue({ queue, metrics } as Context).catch(() => undefined)
  }
  const lines = (await metrics.registry.metrics()).split('\n')
  return lines.filter((line) => line.startsWith('chatbox_queue_'))
}

describe('watchQueue', () => {
  it('shows the jobs by state, the age of the oldest in seconds, and that it is paused', async () => {
    expect(await show({ counts, oldestWaitingMs, isPaused })).toEqual([
      'chatbox_queue_jobs{queue="jobs",state="waiting"} 3',
      'chatbox_queue_jobs{queue="jobs",state="active"} 2',
      'chatbox_queue_jobs{queue="jobs",state="delayed"} 1',
      'chatbox_queue_jobs{queue="jobs",state="failed"} 0',
      'chatbox_queue_oldest_job_age_seconds{queue="jobs"} 1.5',
      'chatbox_queue_paused{queue="jobs"} 1',
    ])
  })

  it('shows nothing any more once one of the three does not answer', async () => {
    const away = () => Promise.reject(new AppError('UNAVAILABLE', 'away'))
    const seen = { counts, oldestWaitingMs, isPaused }
    expect(await show(seen, { ...seen, counts: away })).toEqual([])
    expect(await show(seen, { ...seen, oldestWaitingMs: away })).toEqual([])
    expect(await show(seen, { ...seen, isPaused: away })).toEqual([])
  })

  it('fails when the queue does not answer, so that the round counts as failed', async () => {
    const away = () => Promise.reject(new AppError('UNAVAILABLE', 'away'))
    const queue = { counts: away, oldestWaitingMs, isPaused }
    const looking = watchQueue({ queue, metrics: createMetrics() } as unknown as Context)
    await expect(looking).rejects.toThrow('away')
  })
})
