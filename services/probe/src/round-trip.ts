import { randomUUID } from 'node:crypto'
import type { Message } from '@chatbox/contract'
import { ChatSocket } from './chat-socket.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { explainSilence } from './explain-silence.ts'
import { endedByAnother, Finding } from './finding.ts'
import { getToken, type Identity } from './get-token.ts'
import { checkOrigin, checkReady, readLog, type Place } from './http-calls.ts'
import type { TripEnd } from './parse-arguments.ts'
import { textOf } from './reply-watch.ts'

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

async function visit(trip: Trip): Promise<string> {
  const { options, deadline, run } = trip
  await run('origin', () => checkOrigin(options, deadline))
  const token = await run('token', () => getToken(options, deadline, options.identity))
  const socket = new ChatSocket(options, token)
  /** What has to be ended, where it comes to no good end. */
  let left: string | undefined
  try {
    const startedAt = performance.now()
    await run('socket', () => socket.connect(deadline))
    if (options.until === 'socket') return `connected in ${msSince(startedAt)} ms`
    const { session } = await run('open', () => socket.emit('session:open', {}, deadline))
    left = session.id
    const report = await converse(trip, socket, { sessionId: session.id, token })
    left = undefined
    return report
  } finally {
    socket.leave(left)
  }
}

interface Talk {
  sessionId: string
  token: string
}

async function converse(trip: Trip, socket: ChatSocket, talk: Talk): Promise<string> {
  const { options, deadline, run } = trip
  const { sessionId } = talk
  const sentAt = performance.now()
  const payload = { sessionId, clientMessageId: randomUUID(), content: QUESTION }
  const { message: question } = await run('question', () =>
    socket.emit('message:send', payload, deadline),
  )
  const ackedMs = msSince(sentAt)
  if (options.until === 'answer') {
    await run('first text', () => waitForText(trip, socket, question))
    const answer = await run('answer', () => waitForAnswer(trip, socket, { question, ...talk }))
    const answeredMs = msSince(sentAt)
    await run('log', () => checkLog(trip, { question, answer, ...talk }))
    await run('end', () => socket.emit('session:end', { sessionId }, deadline))
    return `answered in ${answeredMs} ms`
  }
  await run('end', () => socket.emit('session:end', { sessionId }, deadline))
  return `acknowledged in ${ackedMs} ms`
}

/**
 * Also ends where the whole answer comes without one, or nothing does: what that means is for the
 * next step to say. As long as nothing begins, the back ends are asked after now and then.
 */
async function waitForText(
  { options, deadline }: Trip,
  socket: ChatSocket,
  question: Message,
): Promise<void> {
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

async function waitForAnswer(
  { options, deadline, whole }: Trip,
  socket: ChatSocket,
  { question, token }: Talk & { question: Message },
): Promise<Message> {
  const answer = await socket.find(deadline, () => findAnswer(socket, question))
  const draft = socket.replies.draftFor(question.id)
  if (answer === undefined) {
    throw await explainSilence(options, { question, draft, token, deadline: whole })
  }
  judgeStatus(answer)
  if (draft === undefined || draft.pieces.size === 0) {
    throw new Finding('live', 'the answer came whole at its end, not as it was written')
  }
  // A frame may be lost without harm, so that only what was seen of it can be wrong.
  if (!answer.content.startsWith(textOf(draft))) {
    throw new Finding('live', 'what was shown as it was written is not how the answer begins')
  }
  return answer
}

function findAnswer({ replies }: ChatSocket, question: Message): Message | undefined {
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
  { options, deadline }: Trip,
  { question, answer, sessionId, token }: Talk & { question: Message; answer: Message },
): Promise<void> {
  const afterSeq = question.seq - 1
  const log = await readLog(options, deadline, { sessionId, afterSeq, token })
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
