import type { HistoryEvent } from '../../../fault/history.ts'

/** The longest time in which no answer was finished, and how many were, between two moments. */
export function measureAnswers(
  history: readonly HistoryEvent[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): { finished: number; longestPauseMs: number } {
  const ends = history
    .filter((event) => event.op === 'model' && event.phase === 'ok')
    .map(({ at }) => at)
    .filter((at) => at >= fromMs && at <= toMs)
    .sort((a, b) => a - b)
  const marks = [fromMs, ...ends, toMs]
  const pauses = marks.slice(1).map((at, index) => at - (marks[index] ?? at))
  return { finished: ends.length, longestPauseMs: Math.round(Math.max(...pauses)) }
}
