import {
  modelToken,
  type DraftEvent,
  type FinalMessage,
  type FinalRead,
  type FinalReply,
  type HistoryEvent,
  type LifeEvent,
  type RefusedEvent,
  type SeenEvent,
  type ViewerEvent,
} from '../history.ts'

/** A finding in one sentence, with its time if there is one. */
export type Fault = string | { message: string; at: number }

/** Everything that a run recorded about one session. */
export interface SessionRun {
  sessionId: string
  /** The reference log: the store's own, or else one from a gateway. */
  log: readonly FinalMessage[]
  replies: readonly FinalReply[]
  reads: readonly FinalRead[]
  sent: readonly SentMessage[]
  rows: RowFinder
  seen: readonly SeenEvent[]
  drafts: readonly DraftEvent[]
}

/** A history, indexed for the checkers. */
export interface RunIndex {
  sessions: readonly SessionRun[]
  /** By the content of the question, in order. */
  requests: ReadonlyMap<string, readonly ModelRequest[]>
  /** By id. */
  allRequests: ReadonlyMap<number, ModelRequest>
  /** How often a retry of each reply was requested, or may have been. */
  retried: ReadonlyMap<string, number>
  viewers: ReadonlyMap<string, readonly ViewerEvent[]>
  /** In the order of their start. */
  faults: readonly FaultSpan[]
  lives: readonly LifeEvent[]
  refused: readonly RefusedEvent[]
}

/** An invocation and its end; undefined if the run ended first. */
type Invoked<O> = Extract<HistoryEvent, { op: O; phase: 'invoke' }>
type Ended<O> = Exclude<Extract<HistoryEvent, { op: O }>, { phase: 'invoke' }>
type Paired<O> = Invoked<O> & { end: Ended<O> | undefined }

/** One try to send a message, and its result. */
export type SendTry = Paired<'send'>
export type SendEnd = Ended<'send'>
export type Acknowledged = SendTry & { end: Extract<SendEnd, { phase: 'ok' }> }

/** One request to the model server. */
export type ModelRequest = Paired<'model'>

/** One fault from start to end. */
export interface FaultSpan {
  kind: string
  target: string
  from: number
  /** Infinity if it did not end. */
  to: number
  /** Whether it started and ended as planned. */
  isDone: boolean
}

/** A message by its `clientMessageId`, with all its tries. */
export interface SentMessage {
  clientMessageId: string
  /** Any of them may be the stored one, because a resend with another body may arrive first. */
  values: ReadonlySet<string>
  tries: readonly SendTry[]
}

export function indexRun(history: readonly HistoryEvent[], reads: readonly FinalRead[]): RunIndex {
  const bySession = <T extends { sessionId: string }>(items: readonly T[]): Map<string, T[]> =>
    Map.groupBy(items, ({ sessionId }) => sessionId)
  const tries = bySession(pairUp(history, 'send'))
  const seen = bySession(ofOp(history, 'seen'))
  const drafts = bySession(ofOp(history, 'draft'))
  const readsOf = bySession(reads)
  const ids = new Set([...tries.keys(), ...readsOf.keys(), ...seen.keys(), ...drafts.keys()])
  const requests = pairUp(history, 'model')
  return {
    sessions: [...ids].map((sessionId) => {
      const reference = toReference(readsOf.get(sessionId) ?? [])
      const sent = toMessages(tries.get(sessionId) ?? [])
      return {
        sessionId,
        ...reference,
        sent,
        rows: new RowFinder(reference.log, sent),
        seen: seen.get(sessionId) ?? [],
        drafts: drafts.get(sessionId) ?? [],
      }
    }),
    requests: Map.groupBy(requests, ({ value }) => value),
    allRequests: new Map(requests.map((request) => [request.id, request])),
    retried: countRetries(history),
    viewers: Map.groupBy(ofOp(history, 'viewer'), ({ process }) => process),
    faults: pairUp(history, 'fault').map(toSpan),
    lives: ofOp(history, 'life'),
    refused: ofOp(history, 'payload-refused'),
  }
}

const TRUST = ['store', 'http', 'shown'] as const

function toReference(reads: readonly FinalRead[]): Pick<SessionRun, 'log' | 'replies' | 'reads'> {
  const best = TRUST.map((source) => reads.find((read) => read.source === source)).find(Boolean)
  return { reads, log: best?.messages ?? [], replies: best?.replies ?? [] }
}

function toMessages(tries: readonly SendTry[]): SentMessage[] {
  const byMessage = Map.groupBy(tries, ({ clientMessageId }) => clientMessageId)
  return [...byMessage].map(([clientMessageId, own]) => {
    return { clientMessageId, tries: own, values: new Set(own.map(({ value }) => value)) }
  })
}

function toSpan({ kind, target, at, end }: Paired<'fault'>): FaultSpan {
  return { kind, target, from: at, to: end?.at ?? Infinity, isDone: end?.phase === 'ok' }
}

function countRetries(history: readonly HistoryEvent[]): Map<string, number> {
  const made = new Map<number, string>()
  for (const event of history) {
    if (event.op !== 'retry') continue
    if (event.phase === 'invoke') made.set(event.id, event.target)
    if (event.phase === 'fail') made.delete(event.id)
  }
  const byTarget = Map.groupBy(made.values(), (target) => target)
  return new Map([...byTarget].map(([target, retries]) => [target, retries.length]))
}

function ofOp<O extends HistoryEvent['op']>(
  history: readonly HistoryEvent[],
  op: O,
): Extract<HistoryEvent, { op: O }>[] {
  const isWanted = (event: HistoryEvent): event is Extract<HistoryEvent, { op: O }> =>
    event.op === op
  return history.filter(isWanted)
}

/** In the order of the invocations. */
function pairUp<O extends 'send' | 'model' | 'fault'>(
  history: readonly HistoryEvent[],
  op: O,
): Paired<O>[] {
  const pairs = new Map<number, { end: unknown }>()
  // This follows from `op`, but the compiler cannot know that.
  const steps = ofOp(history, op) as readonly { id: number; phase: string }[]
  for (const step of steps) {
    const known = pairs.get(step.id)
    if (step.phase === 'invoke') pairs.set(step.id, { ...step, end: undefined })
    else if (known) known.end = step
  }
  return [...pairs.values()] as Paired<O>[]
}

export function acknowledgements(message: SentMessage): Acknowledged[] {
  const isOk = (tried: SendTry): tried is Acknowledged => tried.end?.phase === 'ok'
  return message.tries.filter(isOk)
}

/** Returns the text that was streamed for a request; the whole text if the end is unknown. */
export function textSent({ id, tokens, end }: ModelRequest): string {
  return textOf(id, end?.sent ?? tokens)
}

export function wholeText({ id, tokens }: ModelRequest): string {
  return textOf(id, tokens)
}

/** Returns the request that the first token of a text names; NaN if there is none. */
export function toRequestId(text: string | undefined): number {
  return Number(/^(\d+)\./u.exec(text ?? '')?.[1])
}

export function textOf(request: number, tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => modelToken(request, index)).join('')
}

/** Finds the rows of a session's log that hold sent messages. */
class RowFinder {
  readonly #byId: ReadonlyMap<string, FinalMessage>
  readonly #byContent: ReadonlyMap<string, readonly FinalMessage[]>
  readonly #owners = new Map<string, SentMessage>()

  constructor(log: readonly FinalMessage[], sent: readonly SentMessage[]) {
    this.#byId = new Map(log.map((row) => [row.id, row]))
    this.#byContent = Map.groupBy(log.filter(isUserText), ({ content }) => content)
    for (const message of sent) for (const value of message.values) this.#owners.set(value, message)
  }

  byId(id: string): FinalMessage | undefined {
    return this.#byId.get(id)
  }

  /** Returns every row with one of the message's bodies, in log order. */
  rowsOf({ values }: SentMessage): FinalMessage[] {
    const rows = [...values].flatMap((value) => this.#byContent.get(value) ?? [])
    return rows.sort((a, b) => a.seq - b.seq)
  }

  /** Also counts a row with another body than was sent, because that is not a loss. */
  hasRow(message: SentMessage): boolean {
    const isThere = this.rowsOf(message).length > 0
    return isThere || acknowledgements(message).some(({ end }) => this.#byId.has(end.messageId))
  }

  /** Returns the sender of a row's body. */
  ownerOf({ content }: FinalMessage): SentMessage | undefined {
    return this.#owners.get(content)
  }
}

export function isUserText({ sender, kind }: FinalMessage): boolean {
  return sender === 'user' && kind === 'text'
}

export function isReply({ sender, kind }: FinalMessage): boolean {
  return sender === 'ai' && kind === 'text'
}

/**
 * Returns the messages that the model must answer. While a person has taken over there are none.
 */
export function questionsOf(log: readonly FinalMessage[]): FinalMessage[] {
  let isAssisted = false
  return log.filter((row) => {
    if (row.event === 'takeover_started') isAssisted = true
    if (row.event === 'takeover_ended') isAssisted = false
    return !isAssisted && isUserText(row)
  })
}
