import { within } from '@chatbox/core'

/** Rejects when what it looks at cannot be used. */
export type HealthCheck = () => Promise<void>

export interface HealthResult {
  ready: boolean
  /** What each dependency answered; a state of the process itself under `process`. */
  checks: Record<string, 'ok' | 'failed' | 'starting' | 'draining'>
  /** The names of those that are not ok. */
  failing: string[]
}

export interface Health {
  /** From now on readiness is what these answer; before, the process is starting. */
  start(checks: Record<string, HealthCheck>): void
  /** From now on the process is not ready, whatever its dependencies say. */
  drain(): void
  isReady: () => Promise<HealthResult>
}

interface HealthOptions {
  /** A check that takes longer has failed. */
  timeoutMs?: number
  /** An answer is given again for this long, so that probes cannot load the dependencies. */
  cacheMs?: number
}

export function createHealth({ timeoutMs = 1500, cacheMs = 1000 }: HealthOptions = {}): Health {
  let checks: Record<string, HealthCheck> | undefined
  let draining = false
  let cached: { result: Promise<HealthResult>; until: number } | undefined
  return {
    start: (given) => (checks = given),
    drain: () => (draining = true),
    async isReady() {
      if (draining) return toResult([['process', 'draining']])
      if (!checks) return toResult([['process', 'starting']])
      const now = performance.now()
      if (!cached || cached.until <= now) {
        // Counted from the question: questions that come while it is open share its answer.
        cached = { result: runChecks(checks, timeoutMs), until: now + timeoutMs + cacheMs }
        const started = cached
        void started.result.then(() => (started.until = performance.now() + cacheMs))
      }
      return cached.result
    },
  }
}

type Verdict = [name: string, state: HealthResult['checks'][string]]

async function runChecks(
  checks: Record<string, HealthCheck>,
  timeoutMs: number,
): Promise<HealthResult> {
  const verdicts = Object.entries(checks).map(async ([name, check]): Promise<Verdict> => {
    return [name, (await passes(check, timeoutMs)) ? 'ok' : 'failed']
  })
  return toResult(await Promise.all(verdicts))
}

async function passes(check: HealthCheck, timeoutMs: number): Promise<boolean> {
  const late = () => new Error(`no answer within ${timeoutMs} ms`)
  try {
    await within(timeoutMs, check(), late)
    return true
  } catch {
    return false
  }
}

function toResult(verdicts: Verdict[]): HealthResult {
  const failing = verdicts.filter(([, state]) => state !== 'ok').map(([name]) => name)
  return { ready: failing.length === 0, checks: Object.fromEntries(verdicts), failing }
}
