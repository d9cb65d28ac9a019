import { describe, expect, it } from '@jest/globals'
import type { HistoryEvent } from '../../../fault/history.ts'
import { measureAnswers } from './answer-pause.ts'
import { countReconnects } from './reconnects.ts'

const backAt = (at: number): HistoryEvent => {
  return { op: 'viewer', phase: 'ready', process: 'a', gateway: 0, at }
}
const answeredAt = (at: number): HistoryEvent => {
  return { op: 'model', phase: 'ok', process: 'model-1', id: at, sent: 3, at }
}

describe('countReconnects', () => {
  it('finds the worst second wherever it begins', () => {
    const history = [100, 900, 950, 1050, 1890, 1950, 9999].map(backAt)
    expect(countReconnects(history, { fromMs: 0, toMs: 3000 })).toEqual({
      total: 6,
      mostInASecond: 4,
      perSecond: [3, 3, 0].map((count, atS) => ({ atS, count })),
    })
  })
})

describe('measureAnswers', () => {
  it('counts the pauses before the first and after the last answer too', () => {
    const history = [2000, 2500, 9000].map(answeredAt)
    expect(measureAnswers(history, { fromMs: 1000, toMs: 4000 })).toEqual({
      finished: 2,
      longestPauseMs: 1500,
    })
  })
})
