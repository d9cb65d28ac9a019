import type {
  DraftEvent,
  FaultEvent,
  FinalMessage,
  FinalRead,
  FinalReply,
  HistoryEvent,
  LifeEvent,
  RefusedEvent,
  SeenEvent,
  ViewerEvent,
} from '../history.ts'
import { indexModel, type ModelRequest } from './model-requests.ts'
import { indexSends, type SentMessage } from './sent-messages.ts'

/** A retry that was accepted, or may have been. */
interface RetryMade {
  sessionId: string
  /** The reply that was to be replaced. */
  target: string
}

/** Everything that a run says about one session. */
export interface SessionRun {
  sessionId: string
  /** What the session is held against: the store's own log, or else what a gateway served. */
  log: readonly FinalMessage[]
  replies: readonly FinalReply[]
  reads: readonly FinalRead[]
  sent: readonly SentMessage[]
  seen: readonly SeenEvent[]
  drafts: readonly DraftEvent[]
}

/** A history, sorted by what the checkers look at. */
export interface RunIndex {
  sessions: readonly SessionRun[]
  /** By the content of the question. */
  requests: ReadonlyMap<string, readonly ModelRequest[]>
  retries: readonly RetryMade[]
  viewers: ReadonlyMap<string, readonly ViewerEvent[]>
  faults: readonly FaultEvent[]
  lives: readonly LifeEvent[]
  refused: readonly RefusedEvent[]
}

export function indexRun(history: readonly HistoryEvent[], reads: readonly FinalRead[]): RunIndex {
  const sent = indexSends(history)
  const seen = groupBy(ofOp(history, 'seen'), ({ sessionId }) => sessionId)
  const drafts = groupBy(ofOp(history, 'draft'), ({ sessionId }) => sessionId)
  const readsOf = groupBy(reads, ({ sessionId }) => sessionId)
  const ids = new Set([...sent.keys(), ...readsOf.keys(), ...seen.keys(), ...drafts.keys()])
  return {
    sessions: [...ids].map((sessionId) => ({
      sessionId,
      ...toReference(readsOf.get(sessionId) ?? []),
      sent: sent.get(sessionId) ?? [],
      seen: seen.get(sessionId) ?? [],
      drafts: drafts.get(sessionId) ?? [],
    })),
    requests: indexModel(history),
    retries: findRetries(history),
    viewers: groupBy(ofOp(history, 'viewer'), ({ process }) => process),
    faults: ofOp(history, 'fault'),
    lives: ofOp(history, 'life'),
    refused: ofOp(history, 'payload-refused'),
  }
}

const TRUST = ['store', 'http', 'shown'] as const

function toReference(reads: readonly FinalRead[]): Pick<SessionRun, 'log' | 'replies' | 'reads'> {
  const best = TRUST.map((source) => reads.find((read) => read.source === source)).find(Boolean)
  return { reads, log: best?.messages ?? [], replies: best?.replies ?? [] }
}

function findRetries(history: readonly HistoryEvent[]): RetryMade[] {
  const open = new Map<number, RetryMade>()
  for (const event of history) {
    if (event.op !== 'retry') continue
    if (event.phase === 'invoke') open.set(event.id, event)
    if (event.phase === 'fail') open.delete(event.id)
  }
  return [...open.values()]
}

function ofOp<O extends HistoryEvent['op']>(
  history: readonly HistoryEvent[],
  op: O,
): Extract<HistoryEvent, { op: O }>[] {
  const isWanted = (event: HistoryEvent): event is Extract<HistoryEvent, { op: O }> =>
    event.op === op
  return history.filter(isWanted)
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
