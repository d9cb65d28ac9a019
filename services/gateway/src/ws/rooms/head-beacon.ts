import { operatorRoom, sessionRoom } from '@chatbox/contract'
import type { Clock, Sessions } from '@chatbox/core'
import type { ChatServer } from '../chat-socket.ts'
import type { SessionRoom, SessionRooms } from './session-rooms.ts'

export interface HeadBeaconDeps {
  io: ChatServer
  rooms: Pick<SessionRooms, 'values' | 'subscribe'>
  sessions: Pick<Sessions, 'findHead'>
  clock: Pick<Clock, 'now' | 'random'>
}

export interface HeadBeacon {
  /** Publishes every session's head soon, because events may have been lost. */
  sweep(): void
  hurry(room: SessionRoom): void
  stop(): void
}

const TICK_MS = 250
/**
 * Allows 200 reads of the store per second, 20 of them for quiet sessions. That is enough for 3800
 * active and 12,000 quiet sessions. If more are open, each waits longer.
 */
const READS_PER_TICK = { pressing: 45, quiet: 5 }
/** How long after its last activity a session is checked often. */
const ACTIVE_MS = 5 * 60_000
/** Together with a tick and the slowest read, this detects a lost last entry within 30 s. */
const ACTIVE_EVERY_MS = { min: 17_000, max: 26_000 }
const QUIET_EVERY_MS = { min: 8 * 60_000, max: 12 * 60_000 }
const SWEEP_SPREAD_MS = 2000
const RETRY_MS = 2000

/** The next check of a room, and the result of the last one. */
interface Plan {
  room: SessionRoom
  dueAt: number
  /** Events may have been lost since the last check. */
  isSuspect: boolean
  lastSeq: number
}

/**
 * Regularly tells viewers the length of their log, because the loss of a last entry leaves no gap
 * that a client could detect. Sessions with recent activity are checked often, quiet ones rarely
 * unless the source of their events was down.
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
    // Thousands of rooms may open at once. Their checks are spread out.
    const dueAt = now() + deps.clock.random() * QUIET_EVERY_MS.max
    const plan = { room, dueAt, isSuspect: false, lastSeq: 0 }
    plans.set(room, plan)
    return plan
  }

  /** Returns the rooms that are due, the longest overdue first. */
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

/** Without a subscription, silence does not mean that a session is quiet. */
function isActive({ activeAt, subscription }: SessionRoom, at: number): boolean {
  return at - activeAt < ACTIVE_MS || !subscription
}

/** Publishes and returns the length of the log; undefined if the session no longer exists. */
async function publishHead(
  deps: HeadBeaconDeps,
  { room, lastSeq: knownSeq }: Plan,
): Promise<number | undefined> {
  // A failed subscription is tried again.
  if (!room.subscription) await deps.rooms.subscribe(room)
  const { sessionId } = room
  const lastSeq = await deps.sessions.findHead(sessionId, knownSeq)
  if (lastSeq === undefined) return undefined
  const rooms = [sessionRoom(sessionId), operatorRoom(sessionId)]
  deps.io.local.to(rooms).emit('session:head', { sessionId, lastSeq })
  return lastSeq
}
