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
  /** The client, nemesis or model server that did or saw it. */
  process: string
}

interface Step extends Stamp {
  /** Shared by an invocation and its end; unique in a run. */
  id: number
}

interface Failed extends Step {
  phase: 'fail' | 'unknown'
  /** The code of the refusal, or `TIMEOUT` or `OFFLINE` if there was no answer. */
  code: string
}

/** A message is sent, or sent again with the same `clientMessageId`. */
type SendEvent =
  | (Step & {
      op: 'send'
      phase: 'invoke'
      sessionId: string
      gateway: number
      clientMessageId: string
      /** The whole content, unique to its message. A resend repeats it or has another one. */
      value: string
      /** 0 is the first try; higher ones resend the same message. */
      resend: number
      /** The cause of the resend: the answer was dropped on purpose, or something failed. */
      cause?: 'dropped' | 'failed'
    })
  | (Step & { op: 'send'; phase: 'ok'; messageId: string; seq: number; value: string })
  | (Failed & { op: 'send' })

/**
 * `reply:stop` or `reply:retry`. `target` is the reply's id. The answer of a retry is the new id.
 */
type SteerEvent =
  | (Step & { op: 'stop' | 'retry'; phase: 'invoke'; sessionId: string; target: string })
  | (Step & { op: 'stop'; phase: 'ok'; stopped: boolean })
  | (Step & { op: 'retry'; phase: 'ok'; replyId: string })
  | (Failed & { op: 'stop' | 'retry' })

/** Entries that a viewer added to its log, in this order, live or by catching up. */
export interface SeenEvent extends Stamp {
  op: 'seen'
  sessionId: string
  entries: [seq: number, messageId: string][]
}

/**
 * Consecutive deltas that a viewer added to its draft: the frames `from` to `to` of one attempt. A
 * gap or another attempt starts a new event.
 */
export interface DraftEvent extends Stamp {
  op: 'draft'
  sessionId: string
  replyId: string
  attempt: number
  from: number
  to: number
  /** The text after it, if the viewer records it: whenever a run of frames ends. */
  text?: string
  /**
   * When the first frame was taken. `at` is the time of the last frame, so it may be earlier than
   * that of the line before.
   */
  since?: number
  /** The frames before `from` came together as the draft of a catch-up. */
  joined?: true
}

/** A viewer lost its connection, has reconnected, or has caught up. */
export interface ViewerEvent extends Stamp {
  op: 'viewer'
  phase: 'lost' | 'ready' | 'caught-up'
  gateway: number
  /** With `caught-up`: the number of missed log entries. */
  missed?: number
}

/**
 * A request to the model server: its question and the streamed text. Its process is `model-N`,
 * where N is the number of the worker.
 */
type ModelEvent =
  | (Step & { op: 'model'; phase: 'invoke'; value: string; tokens: number })
  /** `ok`: streamed to the end. `fail`: the connection ended after this many tokens. */
  | (Step & { op: 'model'; phase: 'ok' | 'fail'; sent: number })

/**
 * Returns the token `index` of a request's stream. It names the request, so a text shows which
 * requests it consists of and where two were joined.
 */
export function modelToken(request: number, index: number): string {
  return `${request}.${index} `
}

/** The start (`invoke`) and end of a fault. `kind` is the nemesis, `target` what it hit. */
type FaultEvent = Step & { op: 'fault'; kind: string; target: string } & (
    { phase: 'invoke' } | { phase: 'ok'; note?: string } | { phase: 'fail'; note: string }
  )

/** A process of the product started or ended. An unexpected end is a finding. */
export interface LifeEvent extends Stamp {
  op: 'life'
  phase: 'started' | 'ready' | 'ended'
  pid: number
  /** With `ended`: whether a nemesis or the harness ended it. */
  expected?: boolean
  /**
   * With `ended`: it lacked something to run, for example its folder, and refused with its exit
   * code.
   */
  refused?: boolean
  code?: number | null
  signal?: string | null
}

export interface RefusedPayload {
  /** The kind, for example `session` or `job`. */
  source: string
  ids: Record<string, string>
}

/** A process of the product refused what it read from the store, the bus or the queue. */
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
  /** The type of a state change. After `takeover_started` no message is a question. */
  event?: string
}

/** The store's final record of the reply to one question. */
export interface FinalReply {
  questionId: string
  replyId: string
  state: string
  epoch: number
}

/** The whole log of a session as one reader has it at the end. */
export interface FinalRead {
  /**
   * `shown`: the viewer's own copy. `http`: read again from a gateway. `store`: read without the
   * product's services.
   */
  source: 'shown' | 'http' | 'store'
  reader: string
  sessionId: string
  messages: FinalMessage[]
  /** Only from the store. */
  replies?: FinalReply[]
}

/** The checks that a run can fail. */
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
  /** One sentence with the relevant ids. */
  message: string
  sessionId?: string
  at?: number
}

export interface CheckReport {
  /** The number of findings of each check; 0 if it passed. */
  counts: Record<CheckName, number>
  /** A few hundred of them at most. */
  findings: Finding[]
  /** How much was checked, because a check that saw nothing has not passed. */
  looked: Record<string, number>
  /** Durations by name in milliseconds, for example `takeOver` and `catchUp`. */
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

/** The safety that a run leaves out, to prove that the checks notice. */
export const SAFETIES = ['dedupe', 'resync', 'durable-ack', 'fence', 'reconciler', 'queue'] as const
export type Safety = (typeof SAFETIES)[number]

/** The report's data about one run. */
export interface RunRecord {
  profile: string
  seed: number
  without?: Safety
  /** The commit of every second gateway and worker. */
  beside?: string
  /** The only kinds of faults, if they were limited. */
  only?: readonly string[]
  /** The commit of the product; undefined outside a repository. */
  commit?: string
  startedAt: string
  durationMs: number
  machine: { cpus: number; model: string; memoryBytes: number; node: string; store: string }
  processes: { gateways: number; workers: number; viewers: number; sessions: number }
  nemeses: NemesisCount[]
  operations: Record<string, number>
  checks: CheckReport
  /** The product's own counters, summed over all processes alive at the end. */
  metrics: Record<string, number>
  /** Other remarks. */
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

/** A file with one value per line. */
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

/** Appends one event per line to a file, so that a history outlives its run. */
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

/** Reads a file with one value per line. Throws if a line is not JSON. */
export async function readLines<T extends HistoryEvent | FinalRead>(file: string): Promise<T[]> {
  const values: T[] = []
  for await (const line of createInterface({ input: createReadStream(file) })) {
    // Only files of this program are read.
    values.push(JSON.parse(line) as T)
  }
  return values
}
