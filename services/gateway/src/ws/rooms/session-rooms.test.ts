import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type { BusEvent } from '@chatbox/contract'
import fc from 'fast-check'
import { createViewer, SessionRooms, type Member, type SessionRoom } from './session-rooms.ts'

const EVENT: BusEvent = {
  event: 'reply:delta',
  payload: { sessionId: 's1', replyId: 'r', attempt: 1, index: 0, text: 'x' },
}

function createMember(id = 'socket'): Member {
  const socket = { id, connected: true, join: () => undefined, leave: () => undefined }
  return { socket, sessionIds: new Set(), isCongested: () => false, isFromOutside: () => false }
}

/** A bus that answers when it is told to. */
function createBus() {
  const listeners = new Map<string, Set<(event: BusEvent) => void>>()
  const waiting: (() => void)[] = []
  let isSlow = false
  return {
    waiting,
    slow: () => (isSlow = true),
    fast: () => (isSlow = false),
    count: () => [...listeners.values()].reduce((sum, { size }) => sum + size, 0),
    tell: (sessionId: string) => listeners.get(sessionId)?.forEach((listener) => listener(EVENT)),
    async subscribe(sessionId: string, listener: (event: BusEvent) => void) {
      if (isSlow) await new Promise<void>((resolve) => waiting.push(resolve))
      const own = listeners.get(sessionId) ?? new Set()
      listeners.set(sessionId, own.add(listener))
      return async () => void own.delete(listener)
    },
  }
}

function openRooms(bus: Pick<ReturnType<typeof createBus>, 'subscribe'>) {
  const delivered: SessionRoom[] = []
  const late: SessionRoom[] = []
  const errors: unknown[] = []
  const rooms = new SessionRooms({
    bus,
    deliver: (room) => delivered.push(room),
    onLate: (room) => late.push(room),
    onError: (error) => errors.push(error),
  })
  return { rooms, delivered, late, errors }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('SessionRooms', () => {
  it('has one subscription from the first member to the last', async () => {
    const bus = createBus()
    const { rooms, delivered } = openRooms(bus)
    const [one, two] = [createMember('1'), createMember('2')]
    await Promise.all([rooms.join(one, 's1'), rooms.join(two, 's1'), rooms.join(one, 's1')])
    expect([bus.count(), rooms.size]).toEqual([1, 1])
    bus.tell('s1')
    expect(delivered).toHaveLength(1)
    rooms.leaveAll(one)
    await settle()
    expect(bus.count()).toBe(1)
    rooms.leaveAll(two)
    await settle()
    expect([bus.count(), rooms.size]).toEqual([0, 0])
  })

  it('lets in nobody who is gone', async () => {
    const bus = createBus()
    const { rooms } = openRooms(bus)
    const gone = createMember()
    await rooms.join({ ...gone, socket: { ...gone.socket, connected: false } }, 's1')
    expect([bus.count(), rooms.size]).toEqual([0, 0])
  })

  it('keeps 50 sessions of one socket, the latest ones', async () => {
    const bus = createBus()
    const { rooms } = openRooms(bus)
    const member = createMember()
    for (let index = 0; index < 60; index++) await rooms.join(member, `s${index}`)
    await settle()
    expect([member.sessionIds.size, rooms.size, bus.count()]).toEqual([50, 50, 50])
    expect([...member.sessionIds][0]).toBe('s10')
  })

  it('leaves no subscription behind, and loses none, in any order of joining and leaving', async () => {
    const act = fc.record({
      member: fc.nat(2),
      session: fc.constantFrom('s1', 's2'),
      kind: fc.constantFrom('join', 'join', 'leave', 'slow', 'fast', 'answer', 'pause'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
        const bus = createBus()
        const { rooms } = openRooms(bus)
        const members = ['0', '1', '2'].map(createMember)
        const joins: Promise<void>[] = []
        for (const { member, session, kind } of acts) {
          const one = members[member] ?? createMember()
          if (kind === 'join') joins.push(rooms.join(one, session))
          else if (kind === 'leave') rooms.leaveAll(one)
          else if (kind === 'slow') bus.slow()
          else if (kind === 'fast') bus.fast()
          else if (kind === 'answer') bus.waiting.shift()?.()
          else await settle()
        }
        bus.fast()
        bus.waiting.splice(0).forEach((answer) => answer())
        await Promise.all(joins)
        await settle()
        const open = new Set(members.flatMap(({ sessionIds }) => [...sessionIds]))
        expect([rooms.size, bus.count()]).toEqual([open.size, open.size])
        members.forEach((member) => rooms.leaveAll(member))
        await settle()
        expect([rooms.size, bus.count()]).toEqual([0, 0])
      }),
      { numRuns: 200 },
    )
  })

  describe('while the bus is away', () => {
    beforeEach(() => {
      jest.useFakeTimers({ doNotFake: ['setImmediate'] })
    })
    afterEach(() => {
      jest.useRealTimers()
    })

    it('holds an open up for a second, and says when the subscription came late', async () => {
      const bus = createBus()
      const { rooms, late } = openRooms(bus)
      bus.slow()
      let isOpen = false
      void rooms.join(createMember(), 's1').then(() => (isOpen = true))
      await jest.advanceTimersByTimeAsync(900)
      expect(isOpen).toBe(false)
      await jest.advanceTimersByTimeAsync(200)
      expect(isOpen).toBe(true)
      expect(late).toHaveLength(0)
      bus.waiting.forEach((answer) => answer())
      await settle()
      expect(late.map(({ sessionId }) => sessionId)).toEqual(['s1'])
    })

    it('opens without a subscription, and tries again when asked to', async () => {
      const bus = createBus()
      let isAway = true
      const subscribe: typeof bus.subscribe = async (...args) => {
        if (isAway) throw new Error('connection refused')
        return await bus.subscribe(...args)
      }
      const { rooms, errors } = openRooms({ subscribe })
      await rooms.join(createMember(), 's1')
      expect(errors).toHaveLength(1)
      isAway = false
      for (const room of rooms.values()) await rooms.subscribe(room)
      expect(bus.count()).toBe(1)
    })
  })
})

describe('an activity without an entry', () => {
  it('is noted once in a while for a session, however many viewers cause it', async () => {
    const { rooms } = openRooms(createBus())
    const [one, two] = [createMember('1'), createMember('2')]
    await Promise.all([rooms.join(one, 's1'), rooms.join(two, 's1'), rooms.join(two, 's2')])
    const wakes = (member: Member, sessionId: string, atMs: number) =>
      createViewer(rooms, member).wakes(sessionId, atMs, 1000)
    expect([wakes(one, 's1', 5000), wakes(two, 's1', 5000), wakes(two, 's2', 5000)]).toEqual([
      true,
      false,
      true,
    ])
    expect([wakes(one, 's1', 5999), wakes(one, 's1', 6000)]).toEqual([false, true])
    expect(wakes(one, 'not open', 9000)).toBe(false)
  })
})

function openViewer() {
  const noteActivity = jest.fn<SessionRooms['noteActivity']>()
  const member = createMember()
  const join = async ({ sessionIds }: Member, sessionId: string) => void sessionIds.add(sessionId)
  const rooms = { join, leave: () => undefined, noteActivity, wakes: () => false }
  return { member, noteActivity, viewer: createViewer(rooms, member) }
}

const SEEN = { id: 'one', userId: 'ann', lastSeq: 3 }
const SESSION = { ...SEEN, lastActivityAt: '2026-01-01T00:00:00.000Z' }

describe('a viewer', () => {
  it('knows a session that it has joined', async () => {
    const { viewer, noteActivity } = openViewer()
    await viewer.join('one')
    viewer.note(SESSION)
    expect(viewer.seen('one')).toEqual(SEEN)
    expect(noteActivity).toHaveBeenCalledWith('one', Date.parse(SESSION.lastActivityAt))
  })

  it('notes nothing of a session that it has not joined', () => {
    const { viewer } = openViewer()
    viewer.note(SESSION)
    expect(viewer.seen('one')).toBeUndefined()
  })

  it('forgets a session that it has left, also when it joins again', async () => {
    const { member, viewer } = openViewer()
    await viewer.join('one')
    viewer.note(SESSION)
    member.sessionIds.delete('one')
    expect(viewer.seen('one')).toBeUndefined()
    await viewer.join('two')
    viewer.note({ ...SESSION, id: 'two' })
    await viewer.join('one')
    expect(viewer.seen('one')).toBeUndefined()
  })
})
