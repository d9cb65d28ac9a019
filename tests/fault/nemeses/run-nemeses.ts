import { setTimeout as sleep } from 'node:timers/promises'
import { within } from '@chatbox/core'
import type { NemesisCount, Recorder } from '../history.ts'
import type { FaultPlan } from '../profiles.ts'
import type { Random } from '../random.ts'

/** A fault with its target, ready to start. */
export interface Strike {
  target: string
  /** What no other fault may use in the meantime. */
  holds: string[]
  holdMs: number
  begin(): Promise<unknown>
  /**
   * Repairs it and waits if that takes a while. May return a remark. Undefined if the fault ends by
   * itself.
   */
  end?(): Promise<unknown>
}

/** A kind of fault. */
export interface Nemesis {
  kind: string
  /** Why it is impossible here. */
  skipped?: string
  /** Used only if a profile or the command names it. */
  special?: boolean
  plan(random: Random): Strike
}

export interface NemesisPlan extends FaultPlan {
  nemeses: readonly Nemesis[]
  recorder: Recorder
  random: Random
}

const END_TIMEOUT_MS = 60_000
const BUSY_POLL_MS = 100

/**
 * Runs faults until the time is over, all kinds equally often by default. Repairs active faults
 * before it resolves.
 */
export async function runNemeses(plan: NemesisPlan): Promise<NemesisCount[]> {
  const counts = new Map<string, NemesisCount>()
  for (const { kind, skipped } of plan.nemeses) {
    counts.set(kind, { kind, planned: 0, done: 0, failed: 0, ...(skipped ? { skipped } : {}) })
  }
  const usable = plan.nemeses.filter(({ skipped }) => skipped === undefined)
  const held = new Set<string>()
  const deck = usable.flatMap((nemesis) =>
    Array.from({ length: plan.favour?.[nemesis.kind] ?? 1 }, () => nemesis),
  )
  const deal = createDealer(deck, plan.random)
  const endsAt = performance.now() + plan.durationMs
  // Without faults, only the load is measured.
  if (deck.length === 0) await sleep(plan.durationMs)
  const lanes = Array.from({ length: plan.lanes }, (_, index) =>
    runLane({ plan, counts, held, deal, endsAt, random: plan.random.fork(`lane-${index}`) }),
  )
  await Promise.all(lanes)
  return [...counts.values()]
}

/** Deals all kinds in random order, again and again. */
function createDealer(nemeses: readonly Nemesis[], random: Random): () => Nemesis {
  let deck: Nemesis[] = []
  return () => {
    if (deck.length === 0) deck = random.shuffle(nemeses)
    const next = deck.pop()
    if (!next) throw new Error('there is no nemesis')
    return next
  }
}

interface Lane {
  plan: NemesisPlan
  counts: Map<string, NemesisCount>
  held: Set<string>
  deal: () => Nemesis
  endsAt: number
  random: Random
}

async function runLane(lane: Lane): Promise<void> {
  const { plan, random, endsAt } = lane
  for (;;) {
    await sleep(Math.min(random.exponential(plan.pauseMs), plan.pauseMs * 3))
    if (performance.now() >= endsAt) return
    const nemesis = lane.deal()
    const strike = await planFree(lane, nemesis)
    if (!strike) return
    await carryOut(lane, nemesis.kind, strike)
  }
}

/** Returns a strike at a target that no other fault holds. Waits if all are taken. */
async function planFree(
  { held, random, endsAt }: Lane,
  nemesis: Nemesis,
): Promise<Strike | undefined> {
  while (performance.now() < endsAt) {
    const strike = nemesis.plan(random)
    if (!strike.holds.some((name) => held.has(name))) return strike
    await sleep(BUSY_POLL_MS)
  }
  return undefined
}

async function carryOut(
  { plan, counts, held, endsAt }: Lane,
  kind: string,
  strike: Strike,
): Promise<void> {
  const { recorder } = plan
  const { target } = strike
  const count = counts.get(kind)
  const base = { op: 'fault', process: 'nemesis', id: recorder.nextId(), kind, target } as const
  for (const name of strike.holds) held.add(name)
  if (count) count.planned += 1
  recorder.record({ ...base, phase: 'invoke' })
  try {
    await strike.begin()
    await sleep(Math.max(0, Math.min(strike.holdMs, plan.maxHoldMs, endsAt - performance.now())))
    const note = await putRight(strike)
    recorder.record({ ...base, phase: 'ok', ...(note === undefined ? {} : { note }) })
    if (count) count.done += 1
  } catch (error) {
    const note = error instanceof Error ? error.message : String(error)
    recorder.record({ ...base, phase: 'fail', note })
    if (count) count.failed += 1
    // Repair even a fault that failed to start.
    await putRight(strike).catch(() => undefined)
  } finally {
    for (const name of strike.holds) held.delete(name)
  }
}

async function putRight(strike: Strike): Promise<string | undefined> {
  const late = () => new Error(`not put right within ${END_TIMEOUT_MS} ms`)
  const note = await within(END_TIMEOUT_MS, Promise.resolve(strike.end?.()), late)
  return typeof note === 'string' ? note : undefined
}
