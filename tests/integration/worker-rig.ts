import { override } from '../environment/override.ts'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BusEvent, JobPayload, Message } from '@chatbox/contract'
import type {
  AdapterHooks,
  BudgetLimits,
  Clock,
  ConversationRefs,
  EventBus,
  HistorySize,
  JobQueue,
  Ledger,
  Llm,
  LlmChunk,
  LlmRequest,
  MessageLog,
  Payer,
  Prices,
  ReplyClaims,
  Sessions,
} from '@chatbox/core'
import {
  createBudgets,
  createClock,
  createLogger,
  createMetrics,
  type Logger,
  type Metrics,
} from '@chatbox/kit'
import { openBackend, type Backend, type BackendOptions, type StorePorts } from '@chatbox/adapters'
import { answerSession } from '../../services/worker/src/answer/answer-session.ts'
import { createDeltaPace } from '../../services/worker/src/answer/deltas/delta-pace.ts'
import { RunningReplies } from '../../services/worker/src/answer/running-replies.ts'
import { TIMING, type Context, type Timing } from '../../services/worker/src/context.ts'
import { Remembered } from '../../services/worker/src/models/remembered.ts'
import { enqueueWaiting, finishReplies } from '../../services/worker/src/sweeps/reconcile.ts'

export { createGate } from './worker-gate.ts'

export const MODEL = 'model-1'

/** The stream ends without the word that the reply is whole. */
export const CUT = Symbol('cut')

/** What a scripted model does next: says a text, sends a chunk, fails, waits, or is cut off. */
export type Step =
  string | LlmChunk | Error | typeof CUT | ((signal: AbortSignal) => Promise<unknown>)

export interface ScriptedLlm extends Llm {
  requests: LlmRequest[]
  /** Requests that ended because they were aborted. */
  aborted: number
}

/** A model that follows one script for each request; the last one is followed again. */
export function scriptLlm(...scripts: Step[][]): ScriptedLlm {
  const llm: ScriptedLlm = {
    requests: [],
    aborted: 0,
    async *streamReply(request, signal) {
      const script = scripts[Math.min(llm.requests.length, scripts.length - 1)] ?? []
      llm.requests.push(request)
      if (request.work) request.work.isSent = true
      try {
        for (const step of script) {
          signal.throwIfAborted()
          if (step === CUT) return
          if (step instanceof Error) throw step
          if (typeof step === 'function') await orAborted(step(signal), signal)
          else yield typeof step === 'string' ? { type: 'text', text: step } : step
        }
        yield { type: 'end' }
      } finally {
        if (signal.aborted) llm.aborted++
      }
    },
  }
  return llm
}

async function orAborted(waiting: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => aborted.reject(signal.reason), { once: true })
  await Promise.race([waiting, aborted.promise])
}

export const FAST = {
  leaseMs: 5000,
  silenceMs: 10_000,
  replyTimeoutMs: 10_000,
  deltaIntervalMs: 10,
  deltaLength: 2048,
  maxTries: 3,
  maxRetryAfterMs: 1000,
  giveUpAfterMs: 0,
  maxAttempts: 20,
  providerBackoff: { baseMs: 5, maxMs: 20 },
  commitPatienceMs: 5000,
  storeBackoff: { baseMs: 5, maxMs: 50 },
}

type InSession = Pick<Message, 'sessionId'>

export interface TestWorker {
  context: Context
  metrics: Metrics
  /** Runs one job of the session, as the queue would. */
  answer(where: InSession, signal?: AbortSignal): ReturnType<typeof answerSession>
  counted(metric: string): Promise<number>
}

interface WorkerParts extends Partial<StorePorts> {
  llm: Llm
  bus?: EventBus
  queue?: Pick<JobQueue, 'enqueue'>
  timing?: Partial<Timing>
  /** Silent by default. */
  logger?: Logger
  /** What a day's answers may use; nothing is limited by default. */
  budgets?: Partial<BudgetLimits>
  prices?: Prices
  clock?: Clock
}

/** Where the data of a rig is. */
interface Place {
  openAnother(): Promise<Backend>
  remove(): Promise<void>
}

export class WorkerRig implements StorePorts {
  readonly sessions: Sessions
  readonly messages: MessageLog
  readonly replies: ReplyClaims
  readonly conversationRefs: ConversationRefs
  readonly bus: EventBus
  readonly queue: JobQueue
  readonly ledger: Ledger
  readonly pseudonym: Backend['pseudonym']
  readonly clock: Clock = createClock()
  /** Jobs that test workers asked for. */
  readonly jobs: JobPayload<'answer-session'>[] = []
  readonly #backend: Backend
  readonly #place: Place
  readonly #others: WorkerRig[] = []

  constructor(backend: Backend, place: Place) {
    this.#backend = backend
    this.#place = place
    this.sessions = backend.sessions
    this.messages = backend.messages
    this.replies = backend.replies
    this.conversationRefs = backend.conversationRefs
    this.bus = backend.bus
    this.queue = backend.queue
    this.ledger = backend.ledger
    this.pseudonym = backend.pseudonym
  }

  /** Closes the rigs that it opened, too. */
  async close(): Promise<void> {
    await Promise.all(this.#others.map((other) => other.close()))
    await this.#backend.close()
    await this.#place.remove()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** The same store with a queue and a bus of its own, as another process has them. */
  async openAnother(): Promise<WorkerRig> {
    const backend = await this.#place.openAnother()
    const other = new WorkerRig(backend, { ...this.#place, remove: async () => undefined })
    this.#others.push(other)
    return other
  }

  createWorker(parts: WorkerParts): TestWorker {
    const { llm, bus, queue, timing, budgets, prices, ...others } = parts
    const metrics = createMetrics()
    const lengths = new Remembered<string, HistorySize>({ max: 100, forMs: 60_000 })
    const model = { name: 'Model One', llm, prompt: PROMPT, lengths, prices }
    const { ledger, pseudonym } = this
    const { clock = this.clock, logger = createLogger('test', 'silent'), ...store } = others
    const enqueue: JobQueue['enqueue'] = async (_name, payload) => void this.jobs.push(payload)
    const context: Context = {
      sessions: this.sessions,
      messages: this.messages,
      replies: this.replies,
      conversationRefs: this.conversationRefs,
      ...store,
      bus: bus ?? this.bus,
      queue: override(this.queue, queue ?? { enqueue }),
      models: { find: (id) => (id === MODEL ? model : undefined) },
      running: new RunningReplies(),
      pace: createDeltaPace(FAST.deltaIntervalMs),
      budgets: createBudgets(
        { ...NO_BUDGETS, ...budgets },
        { ledger, pseudonym, clock, logger, metrics },
      ),
      clock,
      logger,
      metrics,
      timing: { ...TIMING, ...FAST, ...timing },
    }
    return {
      context,
      metrics,
      answer: (where, signal = new AbortController().signal) =>
        answerSession(context, toJob(where), signal),
      counted: (metric) => readMetric(metrics, metric),
    }
  }

  /**
   * Sweeps and runs jobs with one worker until every question of the session is settled, as the
   * workers that are left would do.
   */
  async settle(sessionId: string, worker: TestWorker): Promise<void> {
    const { replies } = this
    await until('every question settled', async () => {
      const taking = { staleMs: 0, forMs: 20, limit: 100 }
      await finishReplies({ ...worker.context, replies }, taking)
      await enqueueWaiting({ ...worker.context, replies }, taking)
      for (const job of this.jobs.splice(0)) await worker.answer(job)
      return (await replies.findOpen(sessionId)) === undefined
    })
  }

  async createSession({ modelId = MODEL, startedAt = new Date() } = {}): Promise<string> {
    const id = this.clock.newId()
    const origin = { id, userId: id, userName: 'Ada', startedAt: startedAt.toISOString() }
    await this.sessions.create({ ...origin, modelId })
    return id
  }

  async ask(
    sessionId: string,
    content: string,
    by: { payer?: Payer; lane?: string } = {},
  ): Promise<{ question: Message; replyId: string }> {
    const [id, replyId] = [this.clock.newId(), this.clock.newId()]
    const { message } = await this.messages.append({
      message: {
        id,
        sessionId,
        clientMessageId: id,
        kind: 'text',
        sender: { type: 'user', id: 'ada', name: 'Ada' },
        content,
        ...{ attachments: [], status: 'complete' },
        createdAt: this.clock.now().toISOString(),
      },
      replyId,
      ...by,
    })
    return { question: message, replyId }
  }

  async log(sessionId: string): Promise<Message[]> {
    return (await this.messages.read(sessionId, { limit: 200 })).messages
  }

  /** The log in short: who said what, and how a reply ended. */
  async story(sessionId: string): Promise<string[]> {
    const log = await this.log(sessionId)
    return log.map(({ sender, content, status, event, error }) => {
      if (event) return event.type
      const fault = error ? ` ${error.code}` : ''
      return sender.type === 'ai'
        ? `ai ${status}${fault}: ${content}`
        : `${sender.type}: ${content}`
    })
  }

  async listen(sessionId: string): Promise<BusEvent[]> {
    const events: BusEvent[] = []
    await this.bus.subscribe(sessionId, (event) => events.push(event))
    return events
  }
}

const NO_LIMIT = { tokens: 0, cost: 0 }
const NO_BUDGETS: BudgetLimits = { user: NO_LIMIT, address: NO_LIMIT, site: NO_LIMIT }

export const PROMPT = { systemPrompt: 'Be kind.', contextTokens: 8000, maxReplyTokens: 500 }

/** A rig on the embedded adapters, in a folder of its own. */
export async function openRig(): Promise<WorkerRig> {
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-worker-'))
  const options = { kind: 'embedded' as const, dataDir, encryptionKeys: newKeys() }
  return openRigOn(options, () => rm(dataDir, { recursive: true, force: true }))
}

export async function openRigOn(
  options: BackendOptions,
  remove: () => Promise<void>,
): Promise<WorkerRig> {
  const openAnother = () => openBackend(options, HOOKS)
  return new WorkerRig(await openAnother(), { openAnother, remove })
}

export function newKeys(): BackendOptions['encryptionKeys'] {
  return [{ id: 'k1', key: randomBytes(32) }]
}

const HOOKS: AdapterHooks = {
  onError: () => undefined,
  onPublishFailed: () => undefined,
  onGap: () => undefined,
  onPayloadRefused: (source, ids) => {
    throw new Error(`${source} refused: ${JSON.stringify(ids)}`)
  },
}

export function toJob({ sessionId }: InSession): JobPayload<'answer-session'> {
  return { v: 1, sessionId, requestId: 'req-1' }
}

/** The sum of a metric over all its labels. */
async function readMetric({ registry }: Metrics, name: string): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get()
  return metric?.values.reduce((sum, { value }) => sum + value, 0) ?? 0
}

/** Waits until `check` holds; says what it waited for when it never does. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  ms = 5000,
): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await sleep(5)
  }
}

/** The deltas of one attempt, joined, with their indexes checked for holes. */
export function textOf(events: BusEvent[], attempt: number): string {
  const deltas = events.flatMap(({ event, payload }) =>
    event === 'reply:delta' && payload.attempt === attempt ? [payload] : [],
  )
  deltas.forEach(({ index }, at) => {
    if (index !== at) throw new Error(`delta ${index} in place ${at}`)
  })
  return deltas.map(({ text }) => text).join('')
}
