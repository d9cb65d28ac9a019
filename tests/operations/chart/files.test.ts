import { describe, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { describeUnless } from '../../support/describe-unless.ts'
import { findPrometheus } from '../observability/prometheus.ts'
import { select } from './support/manifest.ts'
import { readValues, render } from './support/render.ts'
import { CHART, NO_TOOLS, runTool } from './support/tools.ts'

const MONITORING = '06-monitoring-values.yaml'
const ROOT = join(CHART, '../..')
const read = (...path: string[]): string => readFileSync(join(CHART, ...path), 'utf8')
const programs = await findPrometheus()

describe('Chart.yaml', () => {
  const chart = parse(read('Chart.yaml')) as {
    version: string
    appVersion: string
    annotations: Record<string, string>
  }

  it('has the version of the product', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string
    }
    expect([chart.version, chart.appVersion]).toEqual([version, version])
  })

  it('names the images of values.yaml', () => {
    const { image, redis, mongodb } = readValues() as Record<string, Record<string, unknown>>
    const stores = [redis?.image, mongodb?.image] as { repository: string; tag: string }[]
    const listed = parse(chart.annotations['artifacthub.io/images'] ?? '') as { image: string }[]
    expect(listed.map((each) => each.image)).toEqual([
      `${image?.registry as string}/${image?.repository as string}:${chart.appVersion}`,
      ...stores.map(({ repository, tag }) => `${repository}:${tag}`),
    ])
  })
})

describeUnless(NO_TOOLS)('what the chart ships', () => {
  it('has the alerts as they are', () => {
    const [rule] = select(render(MONITORING), 'PrometheusRule')
    expect(rule?.spec).toEqual(parse(read('files/alerts.yaml')))
    expect(rule?.spec.groups.length).toBeGreaterThan(0)
  })

  it('has every board as it is', () => {
    const map = select(render(MONITORING), 'ConfigMap').find(({ metadata }) => {
      return metadata.labels.grafana_dashboard === '1'
    })
    const boards = readdirSync(join(CHART, 'dashboards'))
    expect(Object.keys(map?.data ?? {}).toSorted()).toEqual(boards.toSorted())
    for (const board of boards) {
      expect(JSON.parse(map?.data[board] ?? '')).toEqual(JSON.parse(read('dashboards', board)))
    }
  })

  it('leads to the runbook where it was said to be', () => {
    const set = { monitoring: { runbookBaseUrl: 'https://wiki.site.org/chatbox' } }
    const manifests = render(MONITORING, { set })
    const [rule] = select(manifests, 'PrometheusRule')
    const boards = select(manifests, 'ConfigMap').flatMap(({ data }) => Object.values(data))
    const text = JSON.stringify(rule) + boards.join('')
    const links = text.match(/[^"\s]*docs\/runbook\.md#?/g)?.filter((link) => !link.startsWith('('))
    expect(new Set(links?.map((link) => link.replace('#', '')))).toEqual(
      new Set(['https://wiki.site.org/chatbox/docs/runbook.md', 'docs/runbook.md']),
    )
  })

  it("has the adapter's rule as it is, for the metric that the HPA asks for", () => {
    const manifests = render(MONITORING)
    const map = select(manifests, 'ConfigMap').find(({ data }) => 'config.yaml' in data)
    expect(parse(map?.data['config.yaml'] ?? '')).toEqual(parse(read('files/adapter-rules.yaml')))
    expect(map?.data['config.yaml']).toContain('as: chatbox_websocket_connections')
    expect(select(manifests, 'HorizontalPodAutoscaler')).toMatchObject([
      { spec: { metrics: [{ pods: { metric: { name: 'chatbox_websocket_connections' } } }] } },
    ])
  })

  it('has a README that was generated from its values', () => {
    const args = ['--chart-search-root', CHART, '--dry-run', '--log-level', 'warning']
    const { status, stdout } = runTool('helm-docs', args)
    expect({ status, stdout: stdout.trim() }).toEqual({
      status: 0,
      stdout: read('README.md').trim(),
    })
  })
})

describeUnless(typeof programs === 'string' ? programs : undefined)('promtool', () => {
  const promtool = typeof programs === 'string' ? '' : programs.promtool

  it('accepts the rules of the PrometheusRule', () => {
    const [rule] = select(render(MONITORING), 'PrometheusRule')
    const folder = mkdtempSync(join(tmpdir(), 'chatbox-rules-'))
    try {
      const file = join(folder, 'rules.yaml')
      writeFileSync(file, JSON.stringify(rule?.spec))
      const said = execFileSync(promtool, ['check', 'rules', file], { encoding: 'utf8' })
      expect(said).toMatch(/SUCCESS: [1-9]\d* rules found/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
