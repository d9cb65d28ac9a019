import type { Clock, Sessions } from '@chatbox/core'
import { sessionRoom, type ChatServer } from '../chat-socket.ts'
import type { SessionRoom, SessionRooms } from './session-rooms.ts'

export interface HeadBeaconDeps {
  io: ChatServer
  rooms: Pick<SessionRooms, 'values' | 'subscribe'>
  sessions: Pick<Sessions, 'findHead'>
  clock: Pick<Clock, 'now' | 'random'>
}

export interface HeadBeacon {
  /** Every session's head soon: events may have been lost. */
  sweep(): void
  /** One session's head soon. */
  hurry(room: SessionRoom): void
  stop(): void
}

const TICK_MS = 250
/**
 * 200 reads of the store a second, 20 of them for quiet sessions: enough for 3800 active ones and
 * 12,000 quiet ones. Where more are open, each waits longer.
 */
const READS_PER_TICK = { pressing: 45, quiet: 5 }
/** For how long after its last sign of life a session is looked at often. */
const ACTIVE_MS = 5 * 60_000
/** With a tick and the slowest read, a lost last entry is noticed within 30 s. */
const ACTIVE_EVERY_MS = { min: 17_000, max: 26_000 }
const QUIET_EVERY_MS = { min: 8 * 60_000, max: 12 * 60_000 }
const SWEEP_SPREAD_MS = 2000
const RETRY_MS = 2000

/** When a room is looked at next, and what was seen last. */
interface Plan {
  room: SessionRoom
  dueAt: number
  /** Events may have been lost since the last look. */
  isSuspect: boolean
  lastSeq: number
}

/**
 * Tells viewers from time to time how long their log is, because the loss of a last entry makes no
 * hole that a client could see. A session in which something has just happened is looked at often;
 * a quiet one hardly ever, unless what brings its events was away.
 */
export function startHeadBeacon(deps: HeadBeaconDeps): HeadBeacon {
  const plans = new WeakMap<SessionRoom, Plan>()
  let isBusy = false
  const now = () => deps.clock.now().getTime()
  const between = ({ min, max }: { min: number; max: number }) =>
    min + deps.clock.random() * (max - min)

  function findPlan(room: SessionRoom): Plan {
    const known = plans.get(room)
    if (known) return known
    // Thousands may open at once: they are not to come back all at once.
    const dueAt = now() + deps.clock.random() * QUIET_EVERY_MS.max
    const plan = { room, dueAt, isSuspect: false, lastSeq: 0 }
    plans.set(room, plan)
    return plan
  }

  /** The longest overdue first. */
  function takeDue(): Plan[] {
    const at = now()
    const due: Record<keyof typeof READS_PER_TICK, Plan[]> = { pressing: [], quiet: [] }
    for (const room of deps.rooms.values()) {
      const plan = findPlan(room)
      const isPressing = plan.isSuspect || isActive(room, at)
      if (isPressing && plan.dueAt > at + ACTIVE_EVERY_MS.max) {
        plan.dueAt = at + deps.clock.random() * ACTIVE_EVERY_MS.max
      }
      if (plan.dueAt <= at) due[isPressing ? 'pressing' : 'quiet'].push(plan)
    }
    const take = (kind: keyof typeof due) =>
      due[kind].sort((a, b) => a.dueAt - b.dueAt).slice(0, READS_PER_TICK[kind])
    return [...take('pressing'), ...take('quiet')]
  }

  async function look(plan: Plan): Promise<void> {
    const { room } = plan
    const wasSuspect = plan.isSuspect
    plan.isSuspect = false
    plan.dueAt = now() + between(isActive(room, now()) ? ACTIVE_EVERY_MS : QUIET_EVERY_MS)
    try {
      plan.lastSeq = (await publishHead(deps, plan)) ?? plan.lastSeq
    } catch {
      plan.isSuspect ||= wasSuspect
      plan.dueAt = now() + RETRY_MS
    }
  }

  async function tick(): Promise<void> {
    if (isBusy) return
    isBusy = true
    await Promise.all(takeDue().map(look))
    isBusy = false
  }

  function suspect(room: SessionRoom, inMs: number): void {
    Object.assign(findPlan(room), { isSuspect: true, dueAt: now() + inMs })
  }

  const timer = setInterval(() => void tick(), TICK_MS)
  timer.unref()
  return {
    sweep() {
      for (const room of deps.rooms.values()) suspect(room, deps.clock.random() * SWEEP_SPREAD_MS)
    },
    hurry: (room) => suspect(room, 0),
    stop: () => clearInterval(timer),
  }
}

/** Without a subscription nothing of a session is heard here: that it is quiet means nothing. */
function isActive({ activeAt, subscription }: SessionRoom, at: number): boolean {
  return at - activeAt < ACTIVE_MS || !subscription
}

/** How long the log is; undefined where the session is gone. */
async function publishHead(
  deps: HeadBeaconDeps,
  { room, lastSeq: knownSeq }: Plan,
): Promise<number | undefined> {
  // A subscription that was refused is asked for again.
  if (!room.subscription) await deps.rooms.subscribe(room)
  const { sessionId } = room
  const lastSeq = await deps.sessions.findHead(sessionId, knownSeq)
  if (lastSeq === undefined) return undefined
  deps.io.local.to(sessionRoom(sessionId)).emit('session:head', { sessionId, lastSeq })
  return lastSeq
}
