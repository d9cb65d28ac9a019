import type { HistoryEvent } from '../history.ts'

let nextId = 90_000

/** For tests: a fault from start to end. */
export function fault(
  kind: string,
  target: string,
  [from, to]: [from: number, to: number],
): HistoryEvent[] {
  const base = { op: 'fault', process: 'nemesis', id: nextId++, kind, target } as const
  return [
    { ...base, phase: 'invoke', at: from },
    { ...base, phase: 'ok', at: to },
  ]
}

interface SampleRequest {
  id: number
  value: string
  process: string
  tokens: number
  from: number
  /** Undefined if no end was seen. */
  to: number | undefined
  phase: 'ok' | 'fail'
}

/** A request to the model server: complete, or cut after two tokens. */
export function requestOf({ id, value, process, tokens, ...r }: SampleRequest): HistoryEvent[] {
  const base = { op: 'model', process, id } as const
  const begun = { ...base, phase: 'invoke', at: r.from, value, tokens } as const
  if (r.to === undefined) return [begun]
  return [begun, { ...base, phase: r.phase, at: r.to, sent: r.phase === 'ok' ? tokens : 2 }]
}
