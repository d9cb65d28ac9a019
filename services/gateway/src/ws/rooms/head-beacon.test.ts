import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { startHeadBeacon, type HeadBeacon } from './head-beacon.ts'
import { SessionRooms, type Member } from './session-rooms.ts'

const MINUTE_MS = 60_000

describe('startHeadBeacon', () => {
  let beacon: HeadBeacon
  let rooms: SessionRooms
  let startedAt: number
  let reads: { sessionId: string; knownSeq: number; atMs: number }[]
  let sent: string[]
  let isStoreAway: boolean
  let isBusAway: boolean

  beforeEach(() => {
    jest.useFakeTimers()
    startedAt = Date.now()
    reads = []
    sent = []
    isStoreAway = false
    isBusAway = false
    rooms = new SessionRooms({
      bus: {
        async subscribe() {
          if (isBusAway) throw new Error('away')
          return () => Promise.resolve()
        },
      },
      deliver: () => undefined,
      onLate: () => undefined,
      onError: () => undefined,
    })
    const emit = (event: string, head: { sessionId: string; lastSeq: number }) => {
      sent.push(`${event} ${head.sessionId} ${head.lastSeq}`)
      return true
    }
    beacon = startHeadBeacon({
      io: { local: { to: () => ({ emit }) } } as never,
      rooms,
      sessions: {
        async findHead(sessionId, knownSeq) {
          reads.push({ sessionId, knownSeq, atMs: Date.now() - startedAt })
          if (isStoreAway) throw new Error('away')
          return sessionId === 'gone' ? undefined : 7
        },
      },
      clock: { now: () => new Date(), random: Math.random },
    })
  })
  afterEach(() => {
    beacon.stop()
    jest.useRealTimers()
  })

  /** Opens sessions in which nothing has happened for long. */
  async function open(...sessionIds: string[]): Promise<void> {
    await Promise.all(sessionIds.map((sessionId) => rooms.join(createMember(), sessionId)))
  }

  const openMany = (count: number) =>
    open(...Array.from({ length: count }, (_, index) => `s${index}`))

  function stir(...sessionIds: string[]): void {
    for (const sessionId of sessionIds) rooms.noteActivity(sessionId, Date.now())
  }

  function countMostInASecond(): number {
    const counts = new Map<number, number>()
    for (const { atMs } of reads) {
      const second = Math.floor(atMs / 1000)
      counts.set(second, (counts.get(second) ?? 0) + 1)
    }
    return Math.max(0, ...counts.values())
  }

  /** The longest that any of these was not looked at, from the start until now. */
  function findLongestGap(sessionIds: Iterable<string>): number {
    const looks = new Map([...sessionIds].map((sessionId) => [sessionId, [0]]))
    for (const { sessionId, atMs } of reads) looks.get(sessionId)?.push(atMs)
    const end = Date.now() - startedAt
    let longest = 0
    for (const times of looks.values()) {
      times.push(end)
      times.forEach((atMs, index) => {
        longest = Math.max(longest, atMs - (times[index - 1] ?? 0))
      })
    }
    return longest
  }

  it('reads at most 20 heads a second of 10,000 quiet sessions, and still comes to each', async () => {
    await openMany(10_000)
    await jest.advanceTimersByTimeAsync(15 * MINUTE_MS)
    expect(countMostInASecond()).toBeLessThanOrEqual(20)
    const all = [...rooms.values()].map(({ sessionId }) => sessionId)
    expect(findLongestGap(all)).toBeLessThan(14 * MINUTE_MS)
  }, 60_000)

  it('looks every 30 s at a session in which something happened in the last 5 minutes', async () => {
    await openMany(1000)
    stir('s999')
    await jest.advanceTimersByTimeAsync(5 * MINUTE_MS)
    expect(findLongestGap(['s999'])).toBeLessThan(27_000)
    expect(countMostInASecond()).toBeLessThanOrEqual(21)
    expect(sent.filter((text) => text === 'session:head s999 7').length).toBeLessThan(19)
    await jest.advanceTimersByTimeAsync(30_000)
    reads = []
    await jest.advanceTimersByTimeAsync(5 * MINUTE_MS)
    expect(reads.filter(({ sessionId }) => sessionId === 's999')).toEqual([])
  }, 60_000)

  it('looks soon at a quiet session in which something happens again', async () => {
    await open('quiet')
    await jest.advanceTimersByTimeAsync(13 * MINUTE_MS)
    reads = []
    stir('quiet')
    await jest.advanceTimersByTimeAsync(27_000)
    expect(reads).not.toEqual([])
  })

  it('comes to all of 3500 that are active at once, and to the quiet ones beside them', async () => {
    await openMany(5000)
    const active: readonly string[] = Array.from({ length: 3500 }, (_, index) => `s${index}`)
    stir(...active)
    await jest.advanceTimersByTimeAsync(2 * MINUTE_MS)
    expect(findLongestGap(active)).toBeLessThan(30_000)
    expect(countMostInASecond()).toBeLessThanOrEqual(200)
    const quiet = reads.filter(({ sessionId }) => !active.includes(sessionId))
    expect(quiet.length).toBeGreaterThan(50)
  }, 60_000)

  it('says no head for a session that is gone, and asks for what came after the last', async () => {
    await open('gone', 'here')
    stir('gone', 'here')
    await jest.advanceTimersByTimeAsync(4 * MINUTE_MS)
    expect(new Set(sent)).toEqual(new Set(['session:head here 7']))
    const known = reads.flatMap(({ sessionId, knownSeq }) => (sessionId === 'here' ? knownSeq : []))
    expect(known.length).toBeGreaterThan(3)
    expect([known[0], ...new Set(known.slice(1))]).toEqual([0, 7])
  })

  it('sweeps all within seconds, never more than 200 a second, and once', async () => {
    await openMany(1000)
    beacon.sweep()
    await jest.advanceTimersByTimeAsync(8000)
    expect(new Set(reads.map(({ sessionId }) => sessionId)).size).toBe(1000)
    expect(countMostInASecond()).toBeLessThanOrEqual(200)
    reads = []
    await jest.advanceTimersByTimeAsync(MINUTE_MS)
    expect(countMostInASecond()).toBeLessThanOrEqual(20)
  })

  it('hurries one, and soon tries again what failed while the store was away', async () => {
    await open('one', 'two')
    isStoreAway = true
    for (const room of rooms.values()) if (room.sessionId === 'one') beacon.hurry(room)
    await jest.advanceTimersByTimeAsync(300)
    expect([reads.length, sent.length]).toEqual([1, 0])
    isStoreAway = false
    await jest.advanceTimersByTimeAsync(3000)
    expect(sent).toEqual(['session:head one 7'])
  })

  it('asks again for a subscription that was refused, however quiet the session is', async () => {
    isBusAway = true
    await open('deaf')
    isBusAway = false
    await jest.advanceTimersByTimeAsync(27_000)
    expect([...rooms.values()].map(({ subscription }) => subscription)).not.toContain(undefined)
    // A second look may follow within this time, planned while nothing was heard of the session yet.
    expect(new Set(sent)).toEqual(new Set(['session:head deaf 7']))
  })
})

function createMember(): Member {
  const socket = { id: 'a', connected: true, join: () => undefined, leave: () => undefined }
  return { socket, sessionIds: new Set(), isCongested: () => false, isFromOutside: () => false }
}
