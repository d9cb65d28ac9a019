/**
 * The recorded history of one run and what is concluded from it: the vocabulary that clients,
 * nemeses, checkers and the report share.
 *
 * Operations are recorded as in Jepsen: an `invoke`, then at most one of `ok` (it happened), `fail`
 * (it did not) and `unknown` (a lost connection or no answer in time: it may have happened, and may
 * still happen later). The two are tied by `id`. All times are milliseconds since the run began, on
 * one monotonic clock.
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

interface Stamp {
  at: number
  /** Who did or saw it: a client, a nemesis or the model server. */
  process: string
}

interface Step extends Stamp {
  /** The same for an invocation and its end; unique in a run. */
  id: number
}

interface Failed extends Step {
  phase: 'fail' | 'unknown'
  /** The refusal's code, or `TIMEOUT` and `OFFLINE` where there was no answer. */
  code: string
}

/** A message is sent, or sent again under the same `clientMessageId`. */
type SendEvent =
  | (Step & {
      op: 'send'
      phase: 'invoke'
      sessionId: string
      gateway: number
      clientMessageId: string
      /** The whole content, unique to its message; a resend repeats it or brings another one. */
      value: string
      /** 0 is the first try; higher ones are the same message again. */
      resend: number
      /** What made it a resend: the answer was dropped on purpose, or something really failed. */
      cause?: 'dropped' | 'failed'
    })
  | (Step & { op: 'send'; phase: 'ok'; messageId: string; seq: number; value: string })
  | (Failed & { op: 'send' })

/** `reply:stop` or `reply:retry`; `target` is the reply's id, the answer of a retry is the new one. */
type SteerEvent =
  | (Step & { op: 'stop' | 'retry'; phase: 'invoke'; sessionId: string; target: string })
  | (Step & { op: 'stop'; phase: 'ok'; stopped: boolean })
  | (Step & { op: 'retry'; phase: 'ok'; replyId: string })
  | (Failed & { op: 'stop' | 'retry' })

/** Entries that a viewer put into the log it shows, in this order, live or by catching up. */
export interface SeenEvent extends Stamp {
  op: 'seen'
  sessionId: string
  entries: [seq: number, messageId: string][]
}

/**
 * Deltas that a viewer took into the draft it shows: the frames `from` to `to` of one attempt, one
 * after the other. What breaks such a row, another attempt above all, begins an event of its own.
 */
export interface DraftEvent extends Stamp {
  op: 'draft'
  sessionId: string
  replyId: string
  attempt: number
  from: number
  to: number
  /** The text shown after it, where the viewer notes it: whenever a row of frames ends. */
  text?: string
  /** When the row's first frame was taken; `at` is when its last one was, so earlier than the line before it. */
  since?: number
  /** The frames before `from` came together, as the draft of a catch-up. */
  joined?: true
}

/** A viewer lost its connection, has one again, and knows of nothing that it misses. */
export interface ViewerEvent extends Stamp {
  op: 'viewer'
  phase: 'lost' | 'ready' | 'caught-up'
  gateway: number
  /** With `caught-up`: log entries that it had missed. */
  missed?: number
}

/**
 * One request to the model server: which question it is about and what was streamed for it. Its
 * process is `model-N`, where the worker asks whose number that is.
 */
type ModelEvent =
  | (Step & { op: 'model'; phase: 'invoke'; value: string; tokens: number })
  /** `ok`: streamed to the end; `fail`: the connection ended before, after so many tokens. */
  | (Step & { op: 'model'; phase: 'ok' | 'fail'; sent: number })

/**
 * The token `index` of one request's stream. It names the request, so that a text tells which
 * requests it was made of, and one glued from two shows where.
 */
export function modelToken(request: number, index: number): string {
  return `${request}.${index} `
}

/** A fault's beginning (`invoke`) and end. `kind` is the nemesis, `target` what it hit. */
type FaultEvent = Step & { op: 'fault'; kind: string; target: string } & (
    { phase: 'invoke' } | { phase: 'ok'; note?: string } | { phase: 'fail'; note: string }
  )

/** A process of the product began or ended. An end that nobody asked for is a finding. */
export interface LifeEvent extends Stamp {
  op: 'life'
  phase: 'started' | 'ready' | 'ended'
  pid: number
  /** With `ended`: whether a nemesis or the harness ended it. */
  expected?: boolean
  /** With `ended`: it had nothing to run on, such as a folder, and refuses by its exit code. */
  refused?: boolean
  code?: number | null
  signal?: string | null
}

export interface RefusedPayload {
  /** What kind of thing it was, such as `session` or `job`. */
  source: string
  ids: Record<string, string>
}

/** A process of the product could not accept what it read from the store, the bus or the queue. */
export interface RefusedEvent extends Stamp, RefusedPayload {
  op: 'payload-refused'
}

export type HistoryEvent =
  | SendEvent
  | SteerEvent
  | SeenEvent
  | DraftEvent
  | ViewerEvent
  | ModelEvent
  | FaultEvent
  | LifeEvent
  | RefusedEvent

export interface FinalMessage {
  seq: number
  id: string
  clientMessageId?: string
  replyTo?: string
  kind: string
  sender: 'user' | 'ai' | 'admin' | 'system'
  status: string
  content: string
  /** The type of a state change: after `takeover_started` no message is a question. */
  event?: string
}

/** What the store holds about the reply to one question at the end. */
export interface FinalReply {
  questionId: string
  replyId: string
  state: string
  epoch: number
}

/** One session's whole log, as one reader has it at the end. */
export interface FinalRead {
  /** `shown`: the viewer's own copy; `http`: read anew from a gateway; `store`: past the product's services. */
  source: 'shown' | 'http' | 'store'
  reader: string
  sessionId: string
  messages: FinalMessage[]
  /** Only from the store. */
  replies?: FinalReply[]
}

/** What a run can be found guilty of. */
export const CHECKS = [
  'lost',
  'unexpected',
  'duplicated',
  'order',
  'disagreement',
  'acknowledged-without-row',
  'answers',
  'answer-text',
  'attempts',
  'catch-up',
  'process',
  'payloads',
] as const
export type CheckName = (typeof CHECKS)[number]

export interface Finding {
  check: CheckName
  /** One sentence with the ids that matter. */
  message: string
  sessionId?: string
  at?: number
}

export interface CheckReport {
  /** How many findings each check has, all of them; 0 where it passed. */
  counts: Record<CheckName, number>
  /** At most a few hundred of them. */
  findings: Finding[]
  /** How much was looked at, so that a check that saw nothing is not taken for one that passed. */
  looked: Record<string, number>
  /** Durations by name, in milliseconds, such as `takeOver` and `catchUp`. */
  durationsMs: Record<string, number[]>
}

export interface NemesisCount {
  kind: string
  planned: number
  done: number
  failed: number
  /** Why it never ran here. */
  skipped?: string
}

/** The safety that a run goes without, to see it found guilty. */
export const SAFETIES = ['dedupe', 'resync', 'durable-ack', 'fence', 'reconciler', 'queue'] as const
export type Safety = (typeof SAFETIES)[number]

/** Everything that the report says about one run. */
export interface RunRecord {
  profile: string
  seed: number
  without?: Safety
  /** The commit of every second gateway and worker. */
  beside?: string
  /** The kinds of fault that it was limited to. */
  only?: readonly string[]
  /** Of the product that ran; left out where there is no repository to ask. */
  commit?: string
  startedAt: string
  durationMs: number
  machine: { cpus: number; model: string; memoryBytes: number; node: string; store: string }
  processes: { gateways: number; workers: number; viewers: number; sessions: number }
  nemeses: NemesisCount[]
  operations: Record<string, number>
  checks: CheckReport
  /** The product's own counters, summed over all processes that were alive at the end. */
  metrics: Record<string, number>
  /** What happened besides, in words. */
  notes: string[]
}

type Unstamped<E> = E extends Stamp ? Omit<E, 'at'> & { at?: number } : never

export interface Recorder {
  /** Milliseconds since the run began. */
  now(): number
  nextId(): number
  record(event: Unstamped<HistoryEvent>): void
  close(): Promise<void>
}

/** A file of one value a line. */
export function openLines(file: string): {
  write(value: HistoryEvent | FinalRead): void
  close(): Promise<void>
} {
  const stream = createWriteStream(file)
  return {
    write: (value) => void stream.write(`${JSON.stringify(value)}\n`),
    async close() {
      stream.end()
      await once(stream, 'finish')
    },
  }
}

/** Appends to a file, one event a line, so that a history outlives the run that made it. */
export function openRecorder(file: string): Recorder {
  const startedAt = performance.now()
  const lines = openLines(file)
  let id = 0
  const now = (): number => Math.round((performance.now() - startedAt) * 10) / 10
  return {
    now,
    nextId: () => ++id,
    record: (event) => lines.write({ at: now(), ...event }),
    close: () => lines.close(),
  }
}

/** Reads a file of one value a line. Throws where a line is not JSON. */
export async function readLines<T extends HistoryEvent | FinalRead>(file: string): Promise<T[]> {
  const values: T[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    // Written by this very program; nobody else's file is ever read.
    values.push(JSON.parse(line) as T)
  }
  return values
}
