import { LIMITS, type RouteAnswer } from '@chatbox/contract'
import { notFound, type QueueInspector, type SeenJob } from '@chatbox/core'
import type { Context } from '../../context.ts'
import type { RouteHandlers } from '../api.ts'

type QueueRoute = 'listQueues' | 'listJobs' | 'retryJobs' | 'pauseQueue'

/** The routes that look into the queues. The audit log notes each of them. */
export function createQueueHandlers({
  queueInspectors,
  logger,
}: Pick<Context, 'queueInspectors' | 'logger'>): Pick<RouteHandlers, QueueRoute> {
  const find = (name: string): QueueInspector => {
    const queue = queueInspectors.find((one) => one.name === name)
    if (!queue) throw notFound()
    return queue
  }
  return {
    listQueues: async () => ({
      items: await Promise.all(queueInspectors.map(toQueue)),
      nextCursor: null,
    }),
    async listJobs({ params, query }) {
      const { state = 'failed', limit = LIMITS.historyPageDefault, class: ofClass, after } = query
      const filter = { state, limit, class: ofClass, after }
      const { jobs, next } = await find(params.name).list(filter)
      return { items: jobs.map(toJob), nextCursor: next ?? null }
    },
    async retryJobs({ params, body }) {
      const { retried, next } = await find(params.name).retry(body)
      if (body.jobId !== undefined && retried === 0) throw notFound()
      return { retried, next: next ?? null }
    },
    async pauseQueue({ params, body: { paused } }) {
      await find(params.name).setPaused(paused)
      logger.warn({ queue: params.name, paused }, 'queue paused or resumed')
      return { paused }
    },
  }
}

async function toQueue(queue: QueueInspector): Promise<RouteAnswer<'listQueues'>['items'][number]> {
  const { endedPerMinute = null, ...figures } = await queue.figures()
  return { name: queue.name, ...figures, endedPerMinute }
}

function toJob({
  sessionId,
  enqueuedAt,
  failed,
  ...job
}: SeenJob): RouteAnswer<'listJobs'>['items'][number] {
  return {
    ...{ ...job, sessionId: sessionId ?? null, enqueuedAt: enqueuedAt.toISOString() },
    failedAt: failed?.at.toISOString() ?? null,
    class: failed?.class ?? null,
  }
}
