import type { Board, Panel, Row } from './board.ts'

/** The dashboard schema of Grafana 12. Grafana migrates an older one at every load. */
const SCHEMA_VERSION = 41
const COLUMNS = 24
const PANEL_HEIGHT = 8
const STAT_HEIGHT = 5
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
/** The chart puts the value `runbookBaseUrl` in front, as in the alerts. */
const RUNBOOK = './docs/runbook.md'

/** Converts a board to Grafana's file format. */
export function toGrafana({ uid, title, about, rows }: Board): unknown {
  return {
    uid,
    title,
    description: about,
    tags: ['chatbox'],
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    editable: true,
    // A crosshair over all panels shows what moved at the same time.
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '30s',
    time: { from: 'now-6h', to: 'now' },
    annotations: { list: [] },
    links: LINKS,
    templating: { list: VARIABLES },
    panels: toPanels(rows),
  }
}

const LINK = { icon: 'external link', tooltip: '', tags: [], targetBlank: false }
const LINKS = [
  {
    ...LINK,
    title: 'Boards of chatbox',
    type: 'dashboards',
    tags: ['chatbox'],
    asDropdown: true,
    includeVars: true,
    keepTime: true,
  },
  {
    ...LINK,
    title: 'Runbook (docs/runbook.md)',
    type: 'link',
    url: RUNBOOK,
    targetBlank: true,
    asDropdown: false,
    includeVars: false,
    keepTime: false,
  },
]

const VARIABLES = [
  {
    name: 'datasource',
    label: 'Prometheus',
    type: 'datasource',
    query: 'prometheus',
    refresh: 1,
    options: [],
  },
  {
    name: 'namespace',
    label: 'Namespace',
    type: 'query',
    datasource: DATASOURCE,
    query: { query: 'label_values(chatbox_build_info, namespace)', refId: 'namespace' },
    refresh: 2,
    multi: true,
    includeAll: true,
    // Also matches without namespaces.
    allValue: '.*',
    current: { text: 'All', value: '$__all' },
    options: [],
  },
]

function toPanels(rows: readonly Row[]): unknown[] {
  const panels: unknown[] = []
  let y = 0
  for (const { title, panels: own } of rows) {
    const at = { h: 1, w: COLUMNS, x: 0, y: y++ }
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: at,
      panels: [],
    })
    let x = 0
    let height = 0
    for (const panel of own) {
      const gridPos = { h: toHeight(panel), w: panel.width ?? 8, x, y }
      if (x + gridPos.w > COLUMNS) {
        y += height
        Object.assign(gridPos, { x: 0, y })
        height = 0
      }
      x = gridPos.x + gridPos.w
      height = Math.max(height, gridPos.h)
      panels.push(toPanel(panel, panels.length + 1, gridPos))
    }
    y += height
  }
  return panels
}

function toHeight({ kind }: Panel): number {
  return kind === 'stat' ? STAT_HEIGHT : PANEL_HEIGHT
}

function toPanel(panel: Panel, id: number, gridPos: object): unknown {
  const { kind = 'timeseries', title, about, unit, lines } = panel
  return {
    id,
    type: kind,
    title,
    description: about,
    datasource: DATASOURCE,
    gridPos,
    targets: Object.entries(lines).map(([legend, expr], index) => ({
      refId: String.fromCharCode('A'.charCodeAt(0) + index),
      datasource: DATASOURCE,
      editorMode: 'code',
      expr,
      legendFormat: legend,
      range: true,
    })),
    fieldConfig: {
      defaults: { unit, min: 0, ...(kind === 'stat' ? {} : { custom: LINES }), ...toColors(panel) },
      overrides: [],
    },
    options: kind === 'stat' ? STAT : GRAPH,
  }
}

const LINES = { lineWidth: 1, fillOpacity: 10, showPoints: 'never', spanNulls: false }
const GRAPH = {
  legend: {
    displayMode: 'table',
    placement: 'bottom',
    showLegend: true,
    calcs: ['lastNotNull', 'max'],
  },
  tooltip: { mode: 'multi', sort: 'desc' },
}
const STAT = {
  colorMode: 'value',
  graphMode: 'area',
  justifyMode: 'auto',
  orientation: 'auto',
  textMode: 'auto',
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
}

function toColors({ thresholds }: Panel): object {
  if (!thresholds) return {}
  const { warn, bad, lessIsWorse = false } = thresholds
  const colors = lessIsWorse
    ? [step('red', null), step('orange', bad), step('green', warn)]
    : [step('green', null), step('orange', warn), step('red', bad)]
  return {
    color: { mode: 'thresholds' },
    thresholds: { mode: 'absolute', steps: colors },
  }
}

function step(color: string, value: number | null): object {
  return { color, value }
}
