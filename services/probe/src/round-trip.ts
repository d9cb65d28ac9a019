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
  /** A line for each step that has been made. */
  onStep(line: string): void
}

/** Kept back to find out why nothing came: at most this long, at most a fifth of all. */
const EXPLAIN_MS = 3000
/** Of that, at most this and half of what is left for the log: the rest is for the back ends. */
const READ_MS = 1000
const QUESTION = 'probe'
/** How often the back ends are asked after while an answer does not begin. */
const RECHECK_MS = 2000

interface Trip {
  options: TripOptions
  /** For the steps. */
  deadline: Deadline
  /** For these and for what is found out after them. */
  whole: Deadline
  /** Answers what `step` does, and tells how long it took. */
  run: <T>(name: string, step: () => Promise<T>) => Promise<T>
}

/**
 * What a visitor does, from the page's address to the answer in the log, once and within
 * `withinMs`. Answers how it went in a few words; throws a `Finding` with the part that is broken.
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
    // What a step stumbled over may be a back end that went away in the meantime.
    const mayHaveCause = error instanceof Finding && BLAMES_BACK_END.has(error.part)
    if (mayHaveCause) await checkBackEnds(options, whole)
    throw error
  }
}

/** Throws a `Finding` where the gateway says that it lacks one of them; its silence says nothing. */
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
  /** What has to be ended, where it comes to no good end. */
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
 * Also ends where the whole answer comes without one, or nothing does: what that means is for the
 * next step to say. As long as nothing begins, the back ends are asked after now and then.
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
  // A frame may be lost without harm, so that only what was seen of it can be wrong.
  if (!answer.content.startsWith(textOf(draft))) {
    throw new Finding('live', 'what was shown as it was written is not how the answer begins')
  }
  return answer
}

/** Why an acknowledged question has no answer by now, as far as that is seen from outside. */
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

/** The log from the question on. */
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
