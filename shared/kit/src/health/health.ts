import { within } from '@chatbox/core'

/** Rejects if the dependency cannot be used. */
export type HealthCheck = () => Promise<void>

export interface HealthResult {
  ready: boolean
  /** The result of each dependency. A state of the process itself is under `process`. */
  checks: Record<string, 'ok' | 'failed' | 'starting' | 'draining'>
  /** The names of the checks that are not ok. */
  failing: string[]
}

export interface Health {
  /** Sets the checks that decide readiness from now on. Until then the process is starting. */
  start(checks: Record<string, HealthCheck>): void
  /** Makes the process not ready from now on, whatever its dependencies say. */
  drain(): void
  isReady: () => Promise<HealthResult>
}

interface HealthOptions {
  /** A check that takes longer has failed. */
  timeoutMs?: number
  /** How long a result is reused, so that probes cannot overload the dependencies. */
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
        // Counts from the start of the checks, so that calls during the checks share their result.
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
