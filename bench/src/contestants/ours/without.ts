import type { Backend } from '@chatbox/adapters'
import type { Sessions } from '@chatbox/core'
import { override } from '../../../../tests/environment/override.ts'

/** The parts that a run can leave out, to measure the cost of each. Never used in the product. */
const PARTS = ['limits', 'lookup', 'draft', 'coalescing'] as const
export type Part = (typeof PARTS)[number]

/** The parts that this process leaves out. */
export function readWithout(): Set<Part> {
  const words = (process.env.BENCH_WITHOUT ?? '').split(',')
  return new Set(PARTS.filter((part) => words.includes(part)))
}

/** Returns a gateway's back end without rate limits and with each session read only once. */
export function withoutLookups(without: ReadonlySet<Part>): (backend: Backend) => Backend {
  return (backend) => {
    const { limiter, sessions } = backend
    return {
      ...backend,
      limiter: without.has('limits')
        ? override(limiter, { take: async () => ({ allowed: true }) })
        : limiter,
      sessions: without.has('lookup') ? rememberSessions(sessions) : sessions,
    }
  }
}

function rememberSessions(sessions: Sessions): Sessions {
  const known = new Map<string, ReturnType<Sessions['find']>>()
  return override(sessions, {
    find(sessionId) {
      const found = known.get(sessionId) ?? sessions.find(sessionId)
      known.set(sessionId, found)
      return found
    },
  })
}
