import { describe, expect, it } from '@jest/globals'
import { findStrikeOut, judgeTargets } from '../../bench/src/compare/judge.ts'
import { joinSlices, toRatios, toSpread, toVerdict } from '../../bench/src/compare/ratios.ts'
import type { EntrantRecord, RunRecord } from '../../bench/src/compare/run-comparison.ts'

function entrant(name: string, samples: EntrantRecord['samples']): EntrantRecord {
  return { name, what: name, samples }
}

describe('the judgement of a benchmark', () => {
  it('takes the median of the ratios of each round, not the ratio of medians', () => {
    const samples = [{ cpu: 10 }, { cpu: 40 }, { cpu: 30 }]
    const baseline = [{ cpu: 10 }, { cpu: 20 }, { cpu: 10 }]
    expect(toRatios(samples, baseline, 'cpu')).toEqual({ median: 2, min: 1, max: 3 })
  })

  it('adds up what the slices of a round count, and takes the worst or the median of the rest', () => {
    const slices = [
      { sent: 10, lost: 0, cpu: 10, 'client cores': 0.1, 'closed after': 3 },
      { sent: 10, lost: 1, cpu: 90, 'client cores': 0.3, 'closed after': 1 },
      { sent: 10, lost: 2, cpu: 20, 'client cores': 0.2, 'closed after': 2 },
    ]
    const joined = { sent: 30, lost: 3, cpu: 20, 'client cores': 0.3, 'closed after': 3 }
    expect(joinSlices(slices)).toEqual(joined)
  })

  it('takes the middle of the two middle ones of an even number', () => {
    expect(toSpread([4, 1, 2, 3])).toEqual({ median: 2.5, min: 1, max: 4 })
  })

  it.each([
    ['same', 0.9, 1.1],
    ['less', 0.5, 0.8],
    ['more', 1.2, 3],
    ['inconclusive', 1.1, 1.3],
    ['inconclusive', 0.8, 1.2],
  ])('calls a range %s', (verdict, min, max) => {
    expect(toVerdict({ median: 1, min, max })).toBe(verdict)
  })

  it('strikes out whoever lost, doubled or misplaced something', () => {
    expect(findStrikeOut(entrant('a', [{ lost: 0 }, { lost: 2 }]))).toBe('struck out: 2 lost')
    expect(findStrikeOut(entrant('a', [{ duplicates: 1 }]))).toBe('struck out: 1 duplicates')
    expect(findStrikeOut(entrant('a', [{ misordered: 3 }]))).toBe('struck out: 3 misordered')
    expect(findStrikeOut(entrant('a', [{ lost: 0, duplicates: 0 }]))).toBeUndefined()
  })

  it('strikes out what the load client was the bound of', () => {
    expect(findStrikeOut(entrant('a', [{ 'client cores': 0.9 }]))).toBe('client-bound: 0.90 cores')
    expect(findStrikeOut(entrant('a', [{ 'client cores': 0.79 }]))).toBeUndefined()
  })

  it('compares ratios, differences and values with what they should reach', () => {
    const metric = { metric: 'cpu', entrant: 'ours' }
    const record: Pick<RunRecord, 'targets' | 'entrants'> = {
      targets: [
        { ...metric, text: 'ratio', over: 'theirs', kind: 'ratio', reach: 1.5 },
        { ...metric, text: 'added', over: 'theirs', kind: 'added', reach: 5 },
        { ...metric, text: 'value', kind: 'value', reach: 20 },
      ],
      entrants: [entrant('ours', [{ cpu: 20 }]), entrant('theirs', [{ cpu: 10 }])],
    }
    const judged = judgeTargets(record).map(({ spread, reached }) => [spread.median, reached])
    expect(judged).toEqual([
      [2, false],
      [10, false],
      [20, true],
    ])
  })
})
