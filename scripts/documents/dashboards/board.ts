/** One line, or one family of lines, on a panel. */
export interface Query {
  /** PromQL. `$namespace` and `$__rate_interval` are filled in by Grafana. */
  expr: string
  /** With labels in double braces. */
  legend: string
}

/** Grafana's ids of units. */
type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'ops' | 'none'

export interface Panel {
  title: string
  /** What it shows, and what to make of it. */
  description: string
  kind: 'timeseries' | 'stat'
  unit: Unit
  queries: readonly Query[]
  /** Columns of 24; 8 by default. */
  width?: number
  /** From this value on it is orange; from the second one red. Turned around where less is worse. */
  thresholds?: { warn: number; bad: number; lessIsWorse?: boolean }
}

export interface Row {
  title: string
  panels: readonly Panel[]
}

export interface Board {
  /** Stays the same for ever: links and bookmarks lead to it. */
  uid: string
  title: string
  description: string
  rows: readonly Row[]
}

/** Of the metrics of one installation. */
export const SCOPE = 'namespace=~"$namespace"'
/** The labels that Prometheus gives a process: with Kubernetes its pod, with compose its address. */
export const PROCESS = 'namespace, pod, instance'
/** Names a process in a legend. */
export const PROCESS_LEGEND = '{{pod}} {{instance}}'

/** How often a counter moves in a second, summed by `labels`. */
export function perSecond(selector: string, labels: string): string {
  return `sum by (${labels}) (rate(${selector}[$__rate_interval]))`
}

/** How much a counter has grown in five minutes: for what is rare. */
export function inFiveMinutes(selector: string, labels: string): string {
  return `sum by (${labels}) (increase(${selector}[5m]))`
}

/** Half, 95 and 99 of a hundred observations of a histogram were below these. */
export function quantiles(histogram: string, labels = ''): Query[] {
  return [0.5, 0.95, 0.99].map((share) => ({
    expr: quantile(share, histogram, labels),
    legend: `${labels ? `{{${labels}}} ` : ''}p${share * 100}`,
  }))
}

export function quantile(share: number, histogram: string, labels = ''): string {
  const by = ['le', labels].filter(Boolean).join(', ')
  const rates = `sum by (${by}) (rate(${histogram}_bucket{${SCOPE}}[$__rate_interval]))`
  return `histogram_quantile(${share}, ${rates})`
}

/** Only what the given services say of themselves: every process has these metrics. */
export function ofServices(expr: string, services: string): string {
  return `${expr} and on (namespace, instance) chatbox_build_info{${SCOPE},service=~"${services}"}`
}
