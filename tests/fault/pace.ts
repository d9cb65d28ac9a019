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
const SLOWEST = 20
const COMFORT_MS = 150
const FASTER = 0.9
const SLOWER = 1.2
/** What restarts and catching up need of a machine besides the load. */
const RESERVE = 1.15

/** The load that this machine bears without faults, and a reserve: at most the profile's own. */
export async function findPace(search: PaceSearch): Promise<{ slowness: number; note: string }> {
  let slowness = FIRST
  let answered = 0
  const endsAt = performance.now() + search.durationMs
  search.takeLatencies()
  while (performance.now() < endsAt) {
    search.set(slowness)
    await sleep(STEP_MS)
    const latencies = search.takeLatencies().sort((a, b) => a - b)
    answered = latencies.length
    const median = latencies[Math.floor(latencies.length / 2)] ?? COMFORT_MS
    const change = median < COMFORT_MS ? FASTER : SLOWER
    slowness = Math.min(SLOWEST, Math.max(1, slowness * change))
  }
  const found = slowness > 1 ? slowness * RESERVE : 1
  const rate = answered / (STEP_MS / 1000)
  const pace = found === 1 ? 'as the profile has it' : `${found.toFixed(2)} times slower`
  return { slowness: found, note: `pace: ${pace}; ${rate} answers a second without faults` }
}
