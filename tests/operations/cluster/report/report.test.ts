import { describe, expect, it } from '@jest/globals'
import { drawTimeline } from './draw-timeline.ts'
import { findSteps } from './steps.ts'

describe('findSteps', () => {
  it('says when and by how many', () => {
    const samples = [4, 4, 3, 3, 1].map((wanted, atS) => ({ atS, wanted }))
    expect(findSteps(samples)).toEqual([
      { atS: 2, by: -1 },
      { atS: 4, by: -2 },
    ])
  })
})

describe('drawTimeline', () => {
  it('leaves out the metric where it could not be read, and escapes what it is told', () => {
    const sample = { connected: 100, wanted: 2, ready: 2, leaving: 1 }
    const samples = [
      { ...sample, atS: 0, metric: 100 },
      { ...sample, atS: 10, metric: undefined },
      { ...sample, atS: 20, metric: 100 },
    ]
    const plot = drawTimeline({ title: 'a < b', samples, marks: [{ atS: 5, text: 'x & y' }] })
    expect(plot).toContain('a &lt; b')
    expect(plot).toContain('x &amp; y')
    expect(plot).not.toMatch(/NaN|undefined|Infinity/u)
    expect(/class="metric"[^>]* d="[^"]*"/u.exec(plot)?.[0].match(/[ML]/gu)).toEqual(['M', 'M'])
  })
})
