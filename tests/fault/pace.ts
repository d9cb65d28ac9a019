import { setTimeout as sleep } from 'node:timers/promises'

export interface PaceSearch {
  durationMs: number
  /** Sets how many times slower than the profile the load is. */
  set(slowness: number): void
  /** Of the acknowledgements since the last call, in milliseconds. */
  takeLatencies(): number[]
}

const STEP_MS = 1000
const FIRST = 3
const COMFORT_MS = 150
const FASTER = 0.85
const SLOWER = 1.25
/** What restarts and catching up need of a machine besides the load. */
const RESERVE = 1.3

/** The load that this machine bears without faults, and a reserve: at most the profile's own. */
export async function findPace(search: PaceSearch): Promise<{ slowness: number; note: string }> {
  let slowness = FIRST
  let latencies: number[] = []
  const endsAt = performance.now() + search.durationMs
  while (performance.now() < endsAt) {
    search.set(slowness)
    await sleep(STEP_MS)
    latencies = search.takeLatencies().sort((a, b) => a - b)
    const median = latencies[Math.floor(latencies.length / 2)] ?? COMFORT_MS
    slowness = Math.max(1, slowness * (median < COMFORT_MS ? FASTER : SLOWER))
  }
  const found = slowness > 1 ? slowness * RESERVE : 1
  const rate = latencies.length / (STEP_MS / 1000)
  return {
    slowness: found,
    note: `pace: ${found.toFixed(2)} times slower than the profile; ${rate} acknowledgements a second without faults`,
  }
}
