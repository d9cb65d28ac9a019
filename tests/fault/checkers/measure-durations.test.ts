import { describe, expect, it } from '@jest/globals'
import { modelToken, type HistoryEvent } from '../history.ts'
import { checkHistory } from './check-history.ts'
import { fault, requestOf } from './sample-events.ts'

const measure = (history: HistoryEvent[]) => checkHistory(history, []).durationsMs
const send = (
  [from, to]: [from: number, to: number],
  phase: 'ok' | 'fail' = 'ok',
): HistoryEvent[] => {
  const base = { op: 'send', process: 'sender', id: 1000 + from } as const
  const value = `#${from}`
  const what = { sessionId: 's', gateway: 0, clientMessageId: value, value, resend: 0 }
  return [
    { ...base, phase: 'invoke', at: from, ...what },
    phase === 'ok'
      ? { ...base, phase, at: to, messageId: `m${from}`, seq: 1, value }
      : { ...base, phase, at: to, code: 'UNAVAILABLE' },
  ]
}
const request = (id: number, from: number, to?: number): HistoryEvent[] =>
  requestOf({ id, value: '#1 tokens=9', process: 'model', tokens: 9, from, to, phase: 'fail' })

describe('measureDurations', () => {
  it('measures nothing where there was nothing', () => {
    expect(measure([])).toEqual({})
  })

  it('counts a take-over from the death of the worker to the first text of the next attempt', () => {
    const draft = { op: 'draft', process: 'viewer', sessionId: 's', replyId: 'r' } as const
    const history: HistoryEvent[] = [
      ...request(1, 100, 1010),
      ...request(2, 5000),
      ...fault('worker-kill', 'worker-1', [1000, 1800]),
      { ...draft, attempt: 2, from: 0, to: 4, text: modelToken(2, 0), since: 5030, at: 5400 },
      ...fault('gateway-kill', 'gateway-1', [5100, 5800]),
    ]
    expect(measure(history)).toEqual({ takeOver: [4030] })
    expect(measure([...fault('redis-kill', 'redis', [2000, 3000]), ...history])).toMatchObject({
      takeOverUnderFaults: [4030],
    })
  })

  it('counts no take-over for a stream that ended otherwise', () => {
    const history = [
      ...request(1, 100, 3500),
      ...request(2, 5000),
      ...fault('worker-kill', 'worker-1', [1000, 1800]),
    ]
    expect(measure(history)).toEqual({})
  })

  it('counts reconnections and catch-ups of each viewer', () => {
    const viewer = { op: 'viewer', process: 'viewer', gateway: 0 } as const
    const history: HistoryEvent[] = [
      { ...viewer, phase: 'lost', at: 100 },
      { ...viewer, phase: 'lost', at: 150 },
      { ...viewer, phase: 'ready', at: 400 },
      { ...viewer, phase: 'caught-up', at: 460 },
      { ...viewer, process: 'other', phase: 'lost', at: 500 },
    ]
    expect(measure(history)).toEqual({ reconnect: [300], catchUp: [60] })
  })

  it('tells what was acknowledged without Redis, and how soon streams went on', () => {
    const history = [
      ...fault('redis-kill', 'redis', [1000, 3000]),
      ...send([500, 1500]),
      ...send([1500, 1520]),
      ...send([2900, 3100]),
      ...request(1, 3700),
    ]
    expect(measure(history)).toEqual({
      acknowledge: [1000, 20, 200],
      acknowledgeWithoutRedis: [20],
      gapWithoutRedis: [1480],
      streamAfterRedis: [700],
    })
  })

  it('tells how soon a store that is away is told of, and how soon it serves again', () => {
    const history = [
      ...fault('store-cut', 'store', [1000, 9000]),
      ...send([2000, 4500], 'fail'),
      ...send([8000, 9100], 'fail'),
      ...send([8500, 9250]),
    ]
    expect(measure(history)).toEqual({
      acknowledge: [750],
      refuseWithoutStore: [2500, 1100],
      acknowledgeAfterStore: [250],
    })
  })

  it('counts a wait that the next outage cuts short until then, however short or long it was', () => {
    const history = [
      ...fault('redis-kill', 'redis', [1000, 3000]),
      ...fault('store-cut', 'store', [3400, 9000]),
      ...fault('redis-away-long', 'redis', [18_000, 80_000]),
      ...send([9000, 18_100]),
      ...request(1, 9700),
      ...request(2, 80_200),
    ]
    expect(measure(history)).toMatchObject({
      streamAfterRedis: [400, 200],
      acknowledgeAfterStore: [9000],
    })
  })

  it('counts from the signal to the end of a process that was asked to end', () => {
    const life = {
      op: 'life',
      process: 'worker-2',
      pid: 7,
      phase: 'ended',
      expected: true,
    } as const
    const history: HistoryEvent[] = [
      ...fault('worker-term', 'worker-2', [1000, 4000]),
      { ...life, at: 900, code: 0 },
      { ...life, at: 2600, code: 0 },
    ]
    expect(measure(history)).toEqual({ endWhenAsked: [1600] })
  })
})
