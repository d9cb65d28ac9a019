import { ofServices, PROCESS, PROCESS_LEGEND, SCOPE, type Row } from './board.ts'

/** What Node and the operating system say about the processes of the given services. */
export function processRow(services: string): Row {
  return {
    title: 'Processes',
    panels: [
      {
        title: 'Event loop lag, p99',
        description:
          'How late the process gets to what it has to do. Over 0.1 s it is short of CPU, or throttled.',
        kind: 'timeseries',
        unit: 's',
        queries: [
          {
            expr: ofServices(`nodejs_eventloop_lag_p99_seconds{${SCOPE}}`, services),
            legend: PROCESS_LEGEND,
          },
        ],
      },
      {
        title: 'Memory',
        description:
          'Resident memory. At the container’s limit the process is ended by the kernel.',
        kind: 'timeseries',
        unit: 'bytes',
        queries: [
          {
            expr: ofServices(`process_resident_memory_bytes{${SCOPE}}`, services),
            legend: PROCESS_LEGEND,
          },
        ],
      },
      {
        title: 'CPU',
        description: 'Seconds of CPU in a second. One process uses little more than one core.',
        kind: 'timeseries',
        unit: 'short',
        queries: [
          {
            expr: ofServices(
              `sum by (${PROCESS}) (rate(process_cpu_seconds_total{${SCOPE}}[$__rate_interval]))`,
              services,
            ),
            legend: PROCESS_LEGEND,
          },
        ],
      },
    ],
  }
}
