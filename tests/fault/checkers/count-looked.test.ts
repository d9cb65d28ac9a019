import { describe, expect, it } from '@jest/globals'
import type { HistoryEvent } from '../history.ts'
import { checkHistory } from './check-history.ts'

function request(
  id: number,
  value: string,
  [from, to, phase = 'ok']: [from: number, to: number, phase?: 'ok' | 'fail'],
): HistoryEvent[] {
  const base = { op: 'model', process: 'model', id } as const
  return [
    { ...base, phase: 'invoke', at: from, value, tokens: 5 },
    { ...base, phase, at: to, sent: phase === 'ok' ? 5 : 2 },
  ]
}

describe('countLooked', () => {
  it('counts the streams that a fault met, and the attempts that came too late', () => {
    const fault = {
      op: 'fault',
      process: 'nemesis',
      id: 90,
      kind: 'worker-pause',
      target: 'worker-1',
    } as const
    const { looked } = checkHistory(
      [
        ...request(1, 'before', [0, 100]),
        { ...fault, phase: 'invoke', at: 200 },
        ...request(2, 'overtaken', [150, 300]),
        ...request(3, 'overtaken', [6000, 6100]),
        ...request(4, 'cut', [250, 400, 'fail']),
        ...request(5, 'cut', [6000, 6100]),
        { ...fault, phase: 'ok', at: 7000 },
        ...request(6, 'after', [7100, 7200]),
      ],
      [],
    )
    expect(looked).toMatchObject({
      streams: 4,
      streamsUnderFault: 2,
      streamsWithSeveralAttempts: 2,
      attemptsSuperseded: 1,
      requests: 6,
      requestsCut: 1,
      faults: 1,
    })
  })
})
