import { describe, expect, it } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../../../../scripts/run-command.ts'
import { drawTimeline } from './draw-timeline.ts'
import { findSteps } from './timeline.ts'
import { toPage, toPlots, type ChartRun } from './write-chart-report.ts'

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

describe('the report', () => {
  const read = (file: string) => readFile(join(ROOT, 'docs/reports', file), 'utf8')

  it('follows from the record that lies beside it', async () => {
    // Written by the proof.
    const run = JSON.parse(await read('chart/run.json')) as ChartRun
    expect(await toPage(run)).toBe(await read('chart.md'))
    for (const [name, plot] of Object.entries(toPlots(run))) {
      expect(plot).toBe(await read(`chart/${name}.svg`))
    }
  })
})
