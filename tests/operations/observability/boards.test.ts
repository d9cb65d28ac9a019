import { describe, expect, it } from '@jest/globals'
import { listQueries, readBoards, type ShippedPanel } from './boards.ts'
import { findUnknown, parseExpositions } from './exposition.ts'
import { readAlerts } from './rules.ts'

const BOARDS = readBoards()

describe.each(BOARDS)('the board $file', (board) => {
  const panels = board.panels.filter(({ type }) => type !== 'row')

  it('has a fixed uid, a schema that Grafana 12 need not migrate, and its variables', () => {
    expect(board.uid).toBe(`chatbox-${board.file.replace('.json', '')}`)
    expect(board.schemaVersion).toBe(41)
    expect(board.templating.list.map(({ name }) => name)).toEqual(['datasource', 'namespace'])
    expect(board.links.map(({ url }) => url)).toContain('./docs/runbook.md')
  })

  it('says of each panel what it shows, in which unit, from the chosen Prometheus', () => {
    expect(panels.length).toBeGreaterThan(8)
    for (const { description, fieldConfig, datasource, targets } of panels) {
      expect(description).toMatch(/^[A-Z0-9`].{10,}\.$/u)
      expect(fieldConfig?.defaults.unit).toMatch(/^\w+$/u)
      expect(datasource).toEqual({ type: 'prometheus', uid: '${datasource}' })
      expect(targets?.length).toBeGreaterThan(0)
    }
  })

  it('names alerts that there are', () => {
    const named = panels.flatMap(({ description = '' }) => [
      ...description.matchAll(/Runbook: (\w+)\./gu),
    ])
    const alerts = readAlerts().map(({ alert }) => alert)
    expect(named.length).toBeGreaterThan(2)
    for (const [, alert] of named) expect(alerts).toContain(alert)
  })

  it('has panels side by side, none over another', () => {
    expect(new Set(board.panels.map(({ id }) => id)).size).toBe(board.panels.length)
    const overlapping = board.panels.flatMap((one, index) =>
      board.panels.slice(index + 1).filter((other) => overlaps(one, other)),
    )
    expect(overlapping).toEqual([])
    for (const { gridPos } of board.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })

  it('asks within the chosen namespace', () => {
    for (const { targets = [] } of panels) {
      for (const { expr } of targets) {
        if (!expr.includes('ALERTS')) expect(expr).toContain('namespace=~"$namespace"')
      }
    }
  })
})

function overlaps({ gridPos: a }: ShippedPanel, { gridPos: b }: ShippedPanel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

describe('findUnknown', () => {
  const shown = parseExpositions([
    '# TYPE chatbox_jobs_total counter\nchatbox_jobs_total{job="a",outcome="done"} 1',
    '# TYPE chatbox_first_delta_seconds histogram\nchatbox_first_delta_seconds_bucket{le="3"} 1',
  ])

  it('finds a metric that there is not, and a label', () => {
    const unknown = (expr: string, legend = '') => findUnknown(expr, legend, shown)
    expect(unknown('sum by (outcome) (rate(chatbox_jobs_total{outcome="done"}[1m]))')).toEqual([])
    expect(unknown('chatbox_jobs')).toEqual(['no metric chatbox_jobs'])
    expect(unknown('chatbox_jobs_total{state=~"done"}')).toEqual([
      'no label state on chatbox_jobs_total',
    ])
    expect(unknown('sum by (state) (chatbox_jobs_total)', '{{kind}}')).toEqual([
      'no label state to group or name by',
      'no label kind to group or name by',
    ])
    expect(unknown('chatbox_first_delta_seconds_sum{le="3"}')).toEqual([
      'no label le on chatbox_first_delta_seconds_sum',
    ])
  })

  it('is asked of every query', () => {
    expect(listQueries().length).toBeGreaterThan(50)
  })
})
