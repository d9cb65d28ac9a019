/** Grafana's ids of units. */
type Unit = 'short' | 's' | 'bytes' | 'percentunit' | 'ops' | 'none'

/** PromQL by its legend. `$namespace`, `$__rate_interval` and labels in double braces are Grafana's. */
export type Lines = Readonly<Record<string, string>>

export interface Panel {
  title: string
  /** What it shows, and how to read it. */
  about: string
  /** `timeseries` by default. */
  kind?: 'timeseries' | 'stat'
  unit: Unit
  lines: Lines
  /** Columns of 24; 8 by default. */
  width?: number
  /** It is orange from this value on, red from the second one. Reversed if less is worse. */
  thresholds?: { warn: number; bad: number; lessIsWorse?: boolean }
}

export interface Row {
  title: string
  panels: readonly Panel[]
}

export interface Board {
  /** Never changes, because links and bookmarks use it. */
  uid: string
  title: string
  about: string
  rows: readonly Row[]
}

/**
 * The labels that Prometheus gives a process: its pod with Kubernetes, its address with compose.
 */
const PROCESS = 'namespace, pod, instance'
/** Names a process in a legend. */
export const PROCESS_LEGEND = '{{pod}} {{instance}}'

/** Selects a metric of one installation with these `matchers`. */
export function of(metric: string, ...matchers: readonly string[]): string {
  return `${metric}{${['namespace=~"$namespace"', ...matchers].join(',')}}`
}

/** Returns the rate of a counter per second, one line for each of `labels`. */
export function perSecond(metric: string, labels: string): Lines {
  return { [toLegend(labels)]: `sum by (${labels}) (${rate(of(metric))})` }
}

/** Shared by all boards. */
export function perSecondInAll(metric: string, legend: string): Lines {
  return { [legend]: `sum(${rate(of(metric))})` }
}

/**
 * Returns the increase of a counter in five minutes, one line for each of `labels`. For rare
 * events.
 */
export function inFiveMinutes(selector: string, labels: string): Lines {
  return { [toLegend(labels)]: `sum by (${labels}) (increase(${selector}[5m]))` }
}

/** Does the same for each process, with a word before its name. */
export function inFiveMinutesByProcess(metrics: Readonly<Record<string, string>>): Lines {
  const lines = Object.entries(metrics).map(([word, metric]) => [
    `${word} ${PROCESS_LEGEND}`,
    `sum by (${PROCESS}) (increase(${of(metric)}[5m]))`,
  ])
  return Object.fromEntries(lines) as Lines
}

/** Returns the 50th, 95th and 99th percentiles of a histogram. */
export function quantiles(
  histogram: string,
  { shares = [0.5, 0.95, 0.99], matchers = [] as string[] } = {},
): Lines {
  const lines = shares.map((share) => [`p${share * 100}`, quantile(share, histogram, { matchers })])
  return Object.fromEntries(lines) as Lines
}

export function quantile(
  share: number,
  histogram: string,
  { by = '', matchers = [] as string[] } = {},
): string {
  const labels = ['le', by].filter(Boolean).join(', ')
  const rates = `sum by (${labels}) (${rate(of(`${histogram}_bucket`, ...matchers))})`
  return `histogram_quantile(${share}, ${rates})`
}

/** Returns the panels about Node and the operating system for the given services. */
export function processRow(services: string): Row {
  // Every process has these metrics.
  const ofServices = (expr: string): Lines => ({
    [PROCESS_LEGEND]: `${expr} and on (namespace, instance) ${of('chatbox_build_info', `service=~"${services}"`)}`,
  })
  return {
    title: 'Processes',
    panels: [
      {
        title: 'Event loop lag, p99',
        about:
          'How late the process gets to what it has to do. Over 0.1 s it is short of CPU, or throttled.',
        unit: 's',
        lines: ofServices(of('nodejs_eventloop_lag_p99_seconds')),
      },
      {
        title: 'Memory',
        about: 'Resident memory. At the container’s limit the process is ended by the kernel.',
        unit: 'bytes',
        lines: ofServices(of('process_resident_memory_bytes')),
      },
      {
        title: 'CPU',
        about: 'Seconds of CPU in a second. One process uses little more than one core.',
        unit: 'short',
        lines: ofServices(`sum by (${PROCESS}) (${rate(of('process_cpu_seconds_total'))})`),
      },
    ],
  }
}

function rate(selector: string): string {
  return `rate(${selector}[$__rate_interval])`
}

/** `{{model}} {{kind}}` for `model, kind`. */
function toLegend(labels: string): string {
  return labels
    .split(', ')
    .map((label) => `{{${label}}}`)
    .join(' ')
}
