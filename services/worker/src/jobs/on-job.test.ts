import { describe, expect, it } from '@jest/globals'
import { AppError } from '@chatbox/core'
import { createLogger, createMetrics, currentRequestId } from '@chatbox/kit'
import type { Context } from '../context.ts'
import { onJob } from './on-job.ts'

const payload = { v: 1, sessionId: 's1', requestId: 'req-1' } as const

async function runJob(run: () => Promise<string>, signal = new AbortController().signal) {
  const metrics = createMetrics()
  let thrown: unknown
  try {
    const context = { logger: createLogger('test', 'silent'), metrics } as Context
    await onJob(context, { name: 'answer-session', payload, signal }, run)
  } catch (error) {
    thrown = error
  }
  const text = await metrics.registry.metrics()
  const outcome = /chatbox_jobs_total\{.*outcome="([^"]+)".*\} 1/.exec(text)?.[1]
  return { thrown, outcome }
}

describe('onJob', () => {
  it('runs under the request id of the job', async () => {
    let seen: string | undefined
    const { thrown } = await runJob(async () => {
      await Promise.resolve()
      seen = currentRequestId()
      return 'answered'
    })
    expect(thrown).toBeUndefined()
    expect(seen).toBe('req-1')
    expect(currentRequestId()).toBeUndefined()
  })

  it('counts how the job ended', async () => {
    expect((await runJob(async () => 'taken')).outcome).toBe('taken')
  })

  it.each([
    ['retry', new AppError('UNAVAILABLE', 'away')],
    ['retry', new TypeError('a bug')],
    ['failed', new AppError('NOT_FOUND', 'gone')],
  ])('counts %p for %p and lets it through', async (outcome, error) => {
    expect(await runJob(() => Promise.reject(error))).toEqual({ thrown: error, outcome })
  })

  it('tells a handover from a failure', async () => {
    const error = new AppError('UNAVAILABLE', 'stopping')
    const { outcome } = await runJob(() => Promise.reject(error), AbortSignal.abort())
    expect(outcome).toBe('handed-over')
  })
})
