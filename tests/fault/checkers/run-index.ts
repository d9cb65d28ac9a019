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

/** What is wrong, in a sentence, with the moment of it where there is one. */
export type Fault = string | { message: string; at: number }

/** Everything that a run says about one session. */
export interface SessionRun {
  sessionId: string
  /** What the session is held against: the store's own log, or else what a gateway served. */
  log: readonly FinalMessage[]
  replies: readonly FinalReply[]
  reads: readonly FinalRead[]
  sent: readonly SentMessage[]
  rows: RowFinder
  seen: readonly SeenEvent[]
  drafts: readonly DraftEvent[]
}

/** A history, sorted by what the checkers look at. */
export interface RunIndex {
  sessions: readonly SessionRun[]
  /** By the content of the question, in order. */
  requests: ReadonlyMap<string, readonly ModelRequest[]>
  /** By id. */
  allRequests: ReadonlyMap<number, ModelRequest>
  /** How often each reply was asked to be replaced, or may have been. */
  retried: ReadonlyMap<string, number>
  viewers: ReadonlyMap<string, readonly ViewerEvent[]>
  /** In the order in which they began. */
  faults: readonly FaultSpan[]
  lives: readonly LifeEvent[]
  refused: readonly RefusedEvent[]
}

/** An invocation and its end; undefined where nothing was heard of it before the run ended. */
type Invoked<O> = Extract<HistoryEvent, { op: O; phase: 'invoke' }>
type Ended<O> = Exclude<Extract<HistoryEvent, { op: O }>, { phase: 'invoke' }>
type Paired<O> = Invoked<O> & { end: Ended<O> | undefined }

/** One time that a message was sent, and what came of it. */
export type SendTry = Paired<'send'>
export type SendEnd = Ended<'send'>
export type Acknowledged = SendTry & { end: Extract<SendEnd, { phase: 'ok' }> }

/** One request to the model server. */
export type ModelRequest = Paired<'model'>

/** One fault from its beginning to its end. */
export interface FaultSpan {
  kind: string
  target: string
  from: number
  /** Infinity where it had no end. */
  to: number
  /** It began and ended as it was meant to. */
  isDone: boolean
}

/** A message under its one `clientMessageId`, however often it was sent. */
export interface SentMessage {
  clientMessageId: string
  /** Any of them may be the stored one: a resend that comes first may carry another body. */
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
  // What follows from `op`, which the compiler cannot tell while it does not know it.
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

/** What was streamed for a request; all that there was to stream while its end is not known. */
export function textSent({ id, tokens, end }: ModelRequest): string {
  return textOf(id, end?.sent ?? tokens)
}

export function wholeText({ id, tokens }: ModelRequest): string {
  return textOf(id, tokens)
}

/** The request that a text names with its first token; NaN for a text that names none. */
export function toRequestId(text: string | undefined): number {
  return Number(/^(\d+)\./u.exec(text ?? '')?.[1])
}

export function textOf(request: number, tokens: number): string {
  return Array.from({ length: tokens }, (_, index) => modelToken(request, index)).join('')
}

/** Which rows of a session's log hold which messages that were sent. */
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

  /** Every row that holds one of the message's bodies, in log order. */
  rowsOf({ values }: SentMessage): FinalMessage[] {
    const rows = [...values].flatMap((value) => this.#byContent.get(value) ?? [])
    return rows.sort((a, b) => a.seq - b.seq)
  }

  /** Also where the row's body is another than was sent: that is not a loss. */
  hasRow(message: SentMessage): boolean {
    const isThere = this.rowsOf(message).length > 0
    return isThere || acknowledgements(message).some(({ end }) => this.#byId.has(end.messageId))
  }

  /** Who sent the body of a row. */
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

/** What wants an answer of the model: nothing that is said while a person has taken over. */
export function questionsOf(log: readonly FinalMessage[]): FinalMessage[] {
  let isAssisted = false
  return log.filter((row) => {
    if (row.event === 'takeover_started') isAssisted = true
    if (row.event === 'takeover_ended') isAssisted = false
    return !isAssisted && isUserText(row)
  })
}
