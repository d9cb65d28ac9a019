import { describe, expect, it } from '@jest/globals'
import type { HistoryEvent } from '../history.ts'
import { checkHistory } from './check-history.ts'
import { fault, requestOf } from './sample-events.ts'

const TOKENS = 5

/** Of a worker's model server, whole or cut after two tokens. */
function request(
  id: number,
  value: string,
  [from, to, phase = 'ok', process = 'model-2']: [number, number, ('ok' | 'fail')?, string?],
): HistoryEvent[] {
  return requestOf({ id, value, process, tokens: TOKENS, from, to, phase })
}

describe('countLooked', () => {
  it('counts the streams that a fault met, and the attempts that came too late', () => {
    const { looked } = checkHistory(
      [
        ...request(1, 'before', [0, 100]),
        ...fault('worker-pause', 'worker-1', [200, 7000]),
        ...request(2, 'overtaken', [150, 300]),
        ...request(3, 'overtaken', [6000, 6100]),
        ...request(4, 'cut', [250, 400, 'fail']),
        ...request(5, 'cut', [6000, 6100]),
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

  it('counts the attempts of a worker that slept while another one finished, and what became of them', () => {
    const history: HistoryEvent[] = [
      ...request(1, '#refused', [150, 300, 'ok', 'model-1']),
      ...request(2, '#stored', [150, 300, 'ok', 'model-1']),
      ...request(3, '#awake', [150, 300]),
      ...request(4, '#late', [150, 300, 'ok', 'model-1']),
      ...fault('worker-zombie', 'worker-1', [200, 7000]),
      ...request(5, '#refused', [6000, 6100]),
      ...request(6, '#stored', [6000, 6100]),
      ...request(7, '#awake', [6000, 6100]),
      ...request(8, '#late', [6000, 7100]),
    ]
    const reply = { kind: 'text', sender: 'ai', status: 'complete' } as const
    const messages = [
      { ...reply, seq: 1, id: 'r1', content: '5.0 5.1 ' },
      { ...reply, seq: 2, id: 'r2', content: '2.0 2.1 ' },
    ]
    const read = { source: 'store', reader: 'store', sessionId: 's', messages } as const
    expect(checkHistory(history, [read]).looked).toMatchObject({ zombies: 2, zombiesRefused: 1 })
  })

  it('counts what was sent again over another gateway after its answer was dropped', () => {
    const send = (id: number, gateway: number, cause?: 'dropped' | 'failed'): HistoryEvent => ({
      ...{ op: 'send', phase: 'invoke', process: 'sender', sessionId: 's', clientMessageId: 'c' },
      ...{ value: '#c', at: id, resend: id - 1, id, gateway },
      ...(cause ? { cause } : {}),
    })
    const { looked } = checkHistory(
      [send(1, 0), send(2, 1, 'dropped'), send(3, 1, 'dropped'), send(4, 2, 'failed')],
      [],
    )
    expect(looked).toMatchObject({
      resends: 3,
      resendsAfterDroppedAnswer: 2,
      resendsOverAnotherGateway: 1,
    })
  })

  it('counts the requests that the death of a worker cut, and the attempts of a reply', () => {
    const kill = (at: number) => fault('worker-kill-busy', 'workers that write', [at, at])
    const draft = (replyId: string, attempt: number): HistoryEvent => ({
      ...{ op: 'draft', process: 'viewer', sessionId: 's', replyId, attempt },
      ...{ from: 0, to: 0, at: 9000 },
    })
    const { looked } = checkHistory(
      [
        ...kill(1000),
        ...request(1, 'unlucky', [900, 1010, 'fail']),
        ...kill(8000),
        ...request(2, 'unlucky', [7000, 8010, 'fail']),
        ...request(3, 'stopped', [2000, 4000, 'fail']),
        draft('unlucky', 3),
        draft('unlucky', 20),
        draft('stopped', 2),
      ],
      [],
    )
    expect(looked).toMatchObject({
      requestsCutByKills: 2,
      mostAttemptsOfOneReply: 20,
      repliesWithTwentyAttempts: 1,
    })
  })
})
