import type { Backend } from '@chatbox/adapters'
import type { Sessions } from '@chatbox/core'
import { override } from '../../../../tests/environment/override.ts'

/** Parts of the product that a run can go without, to see what each costs. Never in the product. */
const PARTS = ['limits', 'lookup', 'draft', 'coalescing'] as const
export type Part = (typeof PARTS)[number]

/** What this process was started without. */
export function readWithout(): Set<Part> {
  const words = (process.env.BENCH_WITHOUT ?? '').split(',')
  return new Set(PARTS.filter((part) => words.includes(part)))
}

/** The back end as a gateway sees it: no rate limits, a session read once and then remembered. */
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
