import type { HistoryEvent } from '../../../fault/history.ts'

const WINDOW_MS = 1000

export interface Reconnects {
  /** Sockets that lost their connection and had one again, each time counted. */
  total: number
  /** The most of them in any span of one second, wherever it begins. */
  mostInASecond: number
  /** In each second from the first one on. */
  perSecond: { atS: number; count: number }[]
}

/** Who came back and when. Both times are milliseconds of the history's clock. */
export function countReconnects(
  history: readonly HistoryEvent[],
  span: { fromMs: number; toMs: number },
): Reconnects {
  const times = history
    .filter((event) => event.op === 'viewer' && event.phase === 'ready')
    .map(({ at }) => at)
    .filter((at) => at >= span.fromMs && at <= span.toMs)
    .sort((a, b) => a - b)
  let first = 0
  let mostInASecond = 0
  for (const [index, at] of times.entries()) {
    while (at - (times[first] ?? at) >= WINDOW_MS) first += 1
    mostInASecond = Math.max(mostInASecond, index - first + 1)
  }
  return { total: times.length, mostInASecond, perSecond: toSeconds(times, span) }
}

function toSeconds(
  times: readonly number[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Reconnects['perSecond'] {
  const seconds = Math.ceil((toMs - fromMs) / WINDOW_MS)
  const perSecond = Array.from({ length: seconds }, (_, atS) => ({ atS, count: 0 }))
  for (const at of times) {
    const second = perSecond[Math.floor((at - fromMs) / WINDOW_MS)]
    if (second) second.count += 1
  }
  return perSecond
}
