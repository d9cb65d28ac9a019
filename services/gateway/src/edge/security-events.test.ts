import { createHmac } from 'node:crypto'
import { describe, expect, it, jest } from '@jest/globals'
import { createMetrics, withRequestId } from '@chatbox/kit'
import { createSecurityEvents } from './security-events.ts'

const MINUTE_MS = 60_000
/** Like the one of the back end: a digest that names nobody. */
const pseudonym = (name: string) => createHmac('sha256', 'key').update(name).digest('base64url')

function setUp() {
  const lines: object[] = []
  const logger = { warn: (fields: object) => void lines.push(fields) }
  const metrics = createMetrics()
  return { events: createSecurityEvents({ logger, metrics, pseudonym }), lines, metrics }
}

describe('security events', () => {
  it('are one line for each kind and address and minute, with a count', () => {
    jest.useFakeTimers()
    try {
      const { events, lines } = setUp()
      for (let i = 0; i < 500; i++) events.note('limit-hit', { address: '192.0.2.1' })
      events.note('limit-hit', { address: '192.0.2.2' })
      events.note('token-refused', { address: '192.0.2.1' })
      expect(lines).toEqual([])
      jest.advanceTimersByTime(MINUTE_MS)
      expect(lines).toEqual([
        { kind: 'limit-hit', count: 500, from: pseudonym('192.0.2.1') },
        { kind: 'limit-hit', count: 1, from: pseudonym('192.0.2.2') },
        { kind: 'token-refused', count: 1, from: pseudonym('192.0.2.1') },
      ])
      jest.advanceTimersByTime(MINUTE_MS)
      expect(lines).toHaveLength(3)
      events.note('limit-hit', { address: '192.0.2.1' })
      jest.advanceTimersByTime(MINUTE_MS)
      expect(lines[3]).toEqual({ kind: 'limit-hit', count: 1, from: pseudonym('192.0.2.1') })
    } finally {
      jest.useRealTimers()
    }
  })

  it('take the address of the request, and have none from inside', () => {
    const { events, lines } = setUp()
    withRequestId('r', () => events.note('foreign-id', { userId: 'mallory' }), '2001:db8::/64')
    events.note('forged-payload')
    events.stop()
    expect(lines).toEqual([
      {
        kind: 'foreign-id',
        count: 1,
        from: pseudonym('2001:db8::/64'),
        users: [pseudonym('mallory')],
      },
      { kind: 'forged-payload', count: 1 },
    ])
  })

  it('hold a bounded number of addresses and users, and lose no count', () => {
    const { events, lines } = setUp()
    for (let i = 0; i < 5000; i++) {
      events.note('limit-hit', { address: `192.0.2.${i}`, userId: `user-${i}` })
    }
    for (let i = 0; i < 20; i++) {
      events.note('foreign-id', { address: '192.0.2.0', userId: `user-${i}` })
    }
    events.stop()
    const tallies = lines as { kind: string; count: number; from?: string; users?: string[] }[]
    expect(tallies).toHaveLength(1002)
    expect(tallies.reduce((sum, { count }) => sum + count, 0)).toBe(5020)
    expect(tallies.filter(({ from }) => from === undefined)).toHaveLength(2)
    expect(Math.max(...tallies.map(({ users = [] }) => users.length))).toBe(5)
  })

  it('say nothing of a person: neither addresses nor user ids as they are', () => {
    const { events, lines } = setUp()
    events.note('operator-read', { address: '203.0.113.77', userId: 'eve@example.com' })
    events.stop()
    expect(JSON.stringify(lines)).not.toMatch(/203\.0|eve/u)
  })

  it('move a metric by kind at once, and show all kinds from the start', async () => {
    const { events, metrics } = setUp()
    metrics.gatewayStarted(1)
    events.note('role-lost')
    const text = await metrics.registry.metrics()
    expect(text).toContain('chatbox_security_events_total{kind="role-lost"} 1')
    expect(text).toContain('chatbox_security_events_total{kind="forged-payload"} 0')
  })
})
