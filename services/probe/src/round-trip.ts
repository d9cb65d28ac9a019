import { randomUUID } from 'node:crypto'
import type { Message } from '@chatbox/contract'
import { endedByAnother, Finding } from './finding.ts'
import {
  checkOrigin,
  checkReady,
  createDeadline,
  getToken,
  readLog,
  type Deadline,
  type Identity,
  type Place,
} from './http-calls.ts'
import type { TripEnd } from './parse-arguments.ts'
import { textOf, VisitorSocket } from './visitor-socket.ts'

export interface TripOptions extends Place {
  identity: Identity
  withinMs: number
  until: TripEnd
  retry: boolean
  /** Called with a line after each step. */
  onStep(line: string): void
}

/** The time to find out why no answer came: at most this and a fifth of the total. */
const EXPLAIN_MS = 3000
/** The part of it for the log: at most this and half. The rest is for the back ends. */
const READ_MS = 1000
const QUESTION = 'probe'
/** How often the back ends are checked while an answer does not begin. */
const RECHECK_MS = 2000

interface Trip {
  options: TripOptions
  /** The deadline of the steps. */
  deadline: Deadline
  /** The deadline of the steps and of finding the cause of a failure. */
  whole: Deadline
  /** Runs a step, reports its duration and returns its result. */
  run: <T>(name: string, step: () => Promise<T>) => Promise<T>
}

/**
 * Does what a visitor does, from the page's address to the answer in the log, once and within
 * `withinMs`. Returns a short report. Throws a `Finding` with the broken part.
 */
export async function makeRoundTrip(options: TripOptions): Promise<string> {
  const explainMs = Math.min(EXPLAIN_MS, options.withinMs / 5)
  const whole = createDeadline(options.withinMs)
  const deadline = createDeadline(options.withinMs - explainMs)
  const trip: Trip = {
    options,
    deadline,
    whole,
    async run(name, step) {
      const startedAt = performance.now()
      const result = await step()
      options.onStep(`${name.padEnd(12)} ${msSince(startedAt)} ms`)
      return result
    },
  }
  await trip.run('ready', () => checkReady(options, deadline, options.retry))
  try {
    return await visit(trip)
  } catch (error) {
    // A back end that has gone down in the meantime may be the cause.
    const mayHaveCause = error instanceof Finding && BLAMES_BACK_END.has(error.part)
    if (mayHaveCause) await checkBackEnds(options, whole)
    throw error
  }
}

/** Throws a `Finding` if the gateway reports a missing back end. No answer proves nothing. */
async function checkBackEnds(place: Place, deadline: Deadline): Promise<void> {
  try {
    await checkReady(place, deadline, false)
  } catch (error) {
    if (!(error instanceof Finding) || error.part !== 'unreachable') throw error
  }
}

const BLAMES_BACK_END: ReadonlySet<string> = new Set(['socket', 'session', 'worker', 'reply'])

interface Visit extends Trip {
  token: string
  socket: VisitorSocket
}

async function visit(trip: Trip): Promise<string> {
  const { options, deadline, run } = trip
  await run('origin', () => checkOrigin(options, deadline))
  const token = await run('token', () => getToken(options, deadline, options.identity))
  const socket = new VisitorSocket(options, token)
  /** The session to end if the round trip fails. */
  let left: string | undefined
  try {
    const startedAt = performance.now()
    await run('socket', () => socket.connect(deadline))
    if (options.until === 'socket') return `connected in ${msSince(startedAt)} ms`
    const { session } = await run('open', () => socket.emit('session:open', {}, deadline))
    left = session.id
    const report = await converse({ ...trip, token, socket }, session.id)
    await run('end', () => socket.emit('session:end', { sessionId: session.id }, deadline))
    left = undefined
    return report
  } finally {
    socket.leave(left)
  }
}

async function converse(visit: Visit, sessionId: string): Promise<string> {
  const { options, deadline, socket, run } = visit
  const sentAt = performance.now()
  const payload = { sessionId, clientMessageId: randomUUID(), content: QUESTION }
  const { message: question } = await run('question', () =>
    socket.emit('message:send', payload, deadline),
  )
  if (options.until === 'ack') return `acknowledged in ${msSince(sentAt)} ms`
  await run('first text', () => waitForText(visit, question))
  const answer = await run('answer', () => waitForAnswer(visit, question))
  const answeredMs = msSince(sentAt)
  await run('log', () => checkLog(visit, { question, answer }))
  return `answered in ${answeredMs} ms`
}

/**
 * Waits for the first text. Also returns when the whole answer arrives without it, or when time is
 * up, because the next step reports both. Checks the back ends regularly while nothing arrives.
 */
async function waitForText({ options, deadline, socket }: Visit, question: Message): Promise<void> {
  const begins = () => {
    const draft = socket.replies.draftFor(question.id)
    const hasText = draft !== undefined && draft.pieces.size > 0
    return hasText || findAnswer(socket, question) ? true : undefined
  }
  while (!(await socket.find(createDeadline(deadline.left(RECHECK_MS)), begins))) {
    if (deadline.isOver()) return
    await checkBackEnds(options, createDeadline(deadline.left(RECHECK_MS)))
  }
}

async function waitForAnswer(visit: Visit, question: Message): Promise<Message> {
  const { deadline, socket } = visit
  const answer = await socket.find(deadline, () => findAnswer(socket, question))
  if (answer === undefined) throw await explainSilence(visit, question)
  judgeStatus(answer)
  const draft = socket.replies.draftFor(question.id)
  if (draft === undefined || draft.pieces.size === 0) {
    throw new Finding('live', 'the answer came whole at its end, not as it was written')
  }
  // Frames may be lost without harm, so only the received ones are compared.
  if (!answer.content.startsWith(textOf(draft))) {
    throw new Finding('live', 'what was shown as it was written is not how the answer begins')
  }
  return answer
}

/** Finds out, as far as it is visible from outside, why an acknowledged question has no answer. */
async function explainSilence(visit: Visit, question: Message): Promise<Finding> {
  const { options, socket, whole } = visit
  const within = createDeadline(Math.min(READ_MS, whole.left() / 2))
  const log = await readLog(options, within, toReading(visit, question)).catch(() => [])
  if (log.some(({ replyTo }) => replyTo === question.id)) {
    return new Finding('live', 'the answer is in the log, and nobody brought it to the websocket')
  }
  const draft = socket.replies.draftFor(question.id)
  if (draft === undefined) {
    return new Finding('worker', 'the question was acknowledged and no worker began to answer it')
  }
  const silentS = Math.round(msSince(draft.lastAt) / 1000)
  const seen = textOf(draft).length
  const what =
    seen === 0
      ? `a worker took the question ${silentS} s ago and nothing came of it`
      : `the answer stopped ${silentS} s ago after ${seen} characters`
  return new Finding('reply', `${what}: its worker died and no other goes on, or its model is slow`)
}

/** Selects the log from the question on. */
function toReading({ token }: Visit, { sessionId, seq }: Message) {
  return { sessionId, afterSeq: seq - 1, token }
}

function findAnswer({ replies }: VisitorSocket, question: Message): Message | undefined {
  const answer = replies.answerTo(question.id)
  if (answer === undefined && replies.hasEnded(question.sessionId)) throw endedByAnother()
  return answer
}

function judgeStatus({ status, error }: Message): void {
  if (status === 'complete') return
  const code = error?.code ?? status
  const isModels = code.startsWith('LLM_') || code === 'BUDGET_EXCEEDED'
  const request = error?.requestId === undefined ? '' : ` (request ${error.requestId})`
  throw isModels
    ? new Finding('model', `the model failed: ${code}${request}`)
    : new Finding('reply', `the worker gave up the answer: ${code}${request}`)
}

async function checkLog(
  visit: Visit,
  { question, answer }: { question: Message; answer: Message },
): Promise<void> {
  const log = await readLog(visit.options, visit.deadline, toReading(visit, question))
  for (const [name, seen] of Object.entries({ question, answer })) {
    const stored = log.find(({ id }) => id === seen.id)
    if (stored === undefined) throw new Finding('log', `the ${name} is not in the log`)
    if (stored.content !== seen.content || stored.seq !== seen.seq) {
      throw new Finding('log', `the ${name} is another one in the log than the visitor saw`)
    }
  }
}

function msSince(startedAt: number): number {
  return Math.round(performance.now() - startedAt)
}
