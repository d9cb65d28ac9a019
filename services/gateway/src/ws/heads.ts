import type { Clock, Sessions } from '@chatbox/core'
import { sessionRoom } from './room-names.ts'
import type { SessionRoom, SessionRooms } from './session-rooms.ts'
import type { ChatServer } from './types.ts'

export interface HeadsDeps {
  io: ChatServer
  rooms: Pick<SessionRooms, 'values' | 'subscribe'>
  sessions: Pick<Sessions, 'findHead'>
  clock: Pick<Clock, 'now' | 'random'>
}

export interface Heads {
  /** Every session's head soon: events may have been lost. */
  sweep(): void
  /** One session's head soon. */
  hurry(room: SessionRoom): void
  stop(): void
}

const INTERVAL_MS = 25_000
const SWEEP_SPREAD_MS = 2000
/** Together at most 200 reads a second, however many sessions are open. */
const TICK_MS = 250
const MAX_READS_PER_TICK = 50

/**
 * Tells viewers from time to time how long their log is: the loss of a last entry makes no hole
 * that a client could see.
 */
export function startHeads(deps: HeadsDeps): Heads {
  const due = new WeakMap<SessionRoom, number>()
  const lastSeqs: LastSeqs = new WeakMap()
  let isBusy = false
  const plan = (room: SessionRoom, inMs: number) => due.set(room, deps.clock.now().getTime() + inMs)
  const planNext = (room: SessionRoom) =>
    plan(room, INTERVAL_MS * (0.8 + deps.clock.random() * 0.4))

  function takeDue(): SessionRoom[] {
    const now = deps.clock.now().getTime()
    const taken: SessionRoom[] = []
    for (const room of deps.rooms.values()) {
      const dueAt = due.get(room)
      if (dueAt === undefined) planNext(room)
      else if (dueAt <= now) taken.push(room)
      if (taken.length === MAX_READS_PER_TICK) break
    }
    taken.forEach(planNext)
    return taken
  }

  async function tick(): Promise<void> {
    if (isBusy) return
    isBusy = true
    await Promise.allSettled(takeDue().map((room) => sendHead(deps, room, lastSeqs)))
    isBusy = false
  }

  const timer = setInterval(() => void tick(), TICK_MS)
  timer.unref()
  return {
    sweep() {
      for (const room of deps.rooms.values()) plan(room, deps.clock.random() * SWEEP_SPREAD_MS)
    },
    hurry: (room) => void plan(room, 0),
    stop: () => clearInterval(timer),
  }
}

/** How long each log was when it was last looked at. */
type LastSeqs = WeakMap<SessionRoom, number>

async function sendHead(deps: HeadsDeps, room: SessionRoom, lastSeqs: LastSeqs): Promise<void> {
  // A subscription that was refused is asked for again.
  if (!room.subscription) await deps.rooms.subscribe(room)
  const { sessionId } = room
  const lastSeq = await deps.sessions.findHead(sessionId, lastSeqs.get(room) ?? 0)
  if (lastSeq === undefined) return
  lastSeqs.set(room, lastSeq)
  deps.io.local.to(sessionRoom(sessionId)).emit('session:head', { sessionId, lastSeq })
}
