import type { StorePorts } from '@chatbox/adapters'
import type { EventBus, JobQueue } from '@chatbox/core'
import type { WorkerRig } from './worker-rig.ts'

interface Death {
  /** Which call of the worker is its last one. */
  at: number
  /** Whether that call still has its effect. */
  moment: 'before' | 'after'
}

interface Mortal {
  parts: StorePorts & { bus: EventBus; queue: Pick<JobQueue, 'enqueue'> }
  calls(): string[]
  /** Resolves at the last call. */
  dead: Promise<unknown>
  kill(): void
}

/** For one that has to show some text before it dies: a busy machine takes a shorter lease from it. */
export const LONG_ENOUGH_TO_SPEAK = { leaseMs: 1500, replyTimeoutMs: 3000 }

/**
 * The ports of the store, the bus and the queue as a process sees them that dies at one of its calls: neither that call nor
 * any later one ever returns. The renewal of a lease is no step: it comes when its time has come.
 */
export function createMortal(rig: WorkerRig, death?: Death): Mortal {
  const calls: string[] = []
  const died = Promise.withResolvers<undefined>()
  const never = new Promise<never>(() => undefined)
  let dead = false

  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...values: unknown[]): Promise<unknown> => {
          if (dead) return never
          if (name === 'renew') return Reflect.apply(method, target, values)
          const isLast = calls.push(String(name)) - 1 === death?.at
          if (isLast) dead = true
          if (isLast && death.moment === 'after') await Reflect.apply(method, target, values)
          if (isLast) died.resolve(undefined)
          return isLast ? never : Reflect.apply(method, target, values)
        }
      },
    })

  const queue: Pick<JobQueue, 'enqueue'> = {
    enqueue: async (_name, payload) => void rig.jobs.push(payload),
  }
  return {
    parts: {
      sessions: mortal(rig.sessions),
      messages: mortal(rig.messages),
      replies: mortal(rig.replies),
      conversationRefs: mortal(rig.conversationRefs),
      bus: mortal(rig.bus),
      queue: mortal(queue),
    },
    calls: () => calls,
    dead: died.promise,
    kill: () => {
      dead = true
    },
  }
}
