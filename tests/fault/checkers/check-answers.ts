import type { DraftEvent, FinalMessage, FinalReply, ViewerEvent } from '../history.ts'
import {
  isReply,
  isUserText,
  questionsOf,
  textSent,
  toRequestId,
  wholeText,
  type Fault,
  type ModelRequest,
  type RunIndex,
  type SessionRun,
} from './run-index.ts'

/**
 * Checks that every question has one current answer. The answer may be a failure that the user
 * sees.
 */
export function checkAnswers(session: SessionRun, { retried }: RunIndex): Fault[] {
  const answers = Map.groupBy(session.log.filter(isReply), ({ replyTo }) => replyTo)
  const outbox = new Map(session.replies.map((reply) => [reply.questionId, reply]))
  return questionsOf(session.log).flatMap((question) =>
    describeQuestion(question, {
      session,
      retried,
      reply: outbox.get(question.id),
      answers: answers.get(question.id) ?? [],
    }),
  )
}

interface Answered {
  session: SessionRun
  retried: RunIndex['retried']
  reply: FinalReply | undefined
  answers: readonly FinalMessage[]
}

function describeQuestion(question: FinalMessage, answered: Answered): string[] {
  const { answers } = answered
  const name = `question ${question.id} at seq ${question.seq}`
  const last = answers.at(-1)
  if (!last) return isSilenced(question, answered) ? [] : [`${name} has no answer`]
  const early = answers.slice(0, -1).filter(({ status }) => status === 'complete')
  const found = early.map(({ id }) => `${name} has ${last.id} after its complete answer ${id}`)
  const excess = describeExcess(name, answered)
  if (excess && found.length === 0) found.push(excess)
  const rest = [...describeLast(last), describeOutbox(last, question, answered)]
  return [
    ...found,
    ...rest.filter((fault) => fault !== undefined).map((fault) => `${name} ${fault}`),
  ]
}

const STATUSES = new Set(['complete', 'stopped', 'incomplete', 'failed'])

/** A reply may have one replacement for each requested retry. */
function describeExcess(name: string, { answers, retried }: Answered): string | undefined {
  const asked = answers.reduce((sum, { id }) => sum + (retried.get(id) ?? 0), 0)
  if (answers.length <= 1 + asked) return undefined
  const ids = answers.map(({ id }) => id).join(', ')
  return `${name} has ${answers.length} answers and was asked again ${asked} times: ${ids}`
}

function describeLast({ status, content }: FinalMessage): string[] {
  if (!STATUSES.has(status)) return [`has an answer that is ${status}`]
  return status === 'complete' && content === '' ? ['has an empty answer'] : []
}

function describeOutbox(
  last: FinalMessage,
  question: FinalMessage,
  answered: Answered,
): string | undefined {
  const { reply } = answered
  if (!reply || isSilenced(question, answered)) return undefined
  const { state, replyId } = reply
  if (state !== 'done') return `is ${state} in the outbox`
  return replyId === last.id ? undefined : `waits for ${replyId} while ${last.id} is its answer`
}

const SILENCING = new Set(['takeover_started', 'session_ended'])

/** Open questions stay unanswered if the session ends or a person takes over. */
function isSilenced({ seq }: FinalMessage, { session, reply }: Answered): boolean {
  const isOver = session.log.some((row) => row.seq > seq && SILENCING.has(row.event ?? ''))
  return isOver && (reply === undefined || reply.state === 'cancelled')
}

/**
 * Checks that an answer is the model server's stream for one request, complete if it says so, and
 * for the winning attempt. The same applies to every draft. All viewers of an attempt must see the
 * same.
 */
export function checkAnswerText(session: SessionRun, run: RunIndex): Fault[] {
  const { faults, shown } = readDrafts(session.drafts, run.allRequests)
  return [...faults, ...describeReplies(run, session, shown)]
}

interface Shown {
  attempt: number
  request: ModelRequest
}

interface Drafts {
  faults: string[]
  /** For each reply, the request of each attempt. */
  shown: Map<string, Shown[]>
}

function readDrafts(drafts: readonly DraftEvent[], requests: RunIndex['allRequests']): Drafts {
  const faults: string[] = []
  const shown = new Map<string, Shown[]>()
  for (const { process, replyId, attempt, text } of drafts) {
    if (!text) continue
    const name = `attempt ${attempt} of reply ${replyId}`
    const request = requests.get(toRequestId(text))
    if (!request || !wholeText(request).startsWith(text)) {
      faults.push(`${process} showed for ${name} what no one request was answered with`)
      continue
    }
    const attempts = shown.get(replyId) ?? []
    const known = attempts.find((one) => one.attempt === attempt)?.request
    if (!known) shown.set(replyId, [...attempts, { attempt, request }])
    else if (known !== request) {
      faults.push(`${process} saw request ${request.id} as ${name}, others saw ${known.id}`)
    }
  }
  return { faults, shown }
}

function describeReplies(run: RunIndex, session: SessionRun, shown: Drafts['shown']): string[] {
  const questions = new Map(session.log.filter(isUserText).map((row) => [row.id, row]))
  const epochs = new Map(session.replies.map(({ replyId, epoch }) => [replyId, epoch]))
  return session.log.filter(isReply).flatMap((row) => {
    const question = row.replyTo === undefined ? undefined : questions.get(row.replyTo)
    if (!question) return []
    const asked = run.requests.get(question.content) ?? []
    const request = asked.find(({ id }) => id === toRequestId(row.content))
    const fault =
      describeText(row, request) ??
      (request && describeWinner(request, shown.get(row.id) ?? [], epochs.get(row.id)))
    return fault ? [`reply ${row.id} at seq ${row.seq} ${fault}`] : []
  })
}

/**
 * If the winning attempt is unknown, no viewer may have seen a later attempt than that of the text.
 */
function describeWinner(
  request: ModelRequest,
  shown: readonly Shown[],
  epoch: number | undefined,
): string | undefined {
  const other =
    epoch === undefined
      ? shown.find((one) => one.request.id > request.id)
      : shown.find((one) => one.attempt === epoch && one.request !== request)
  if (!other) return undefined
  return `has the text of request ${request.id}, though its attempt ${other.attempt} was request ${other.request.id}`
}

function describeText(
  { status, content }: FinalMessage,
  request: ModelRequest | undefined,
): string | undefined {
  if (content === '') return status === 'complete' ? 'is complete and empty' : undefined
  if (!request) return 'has a text that no request for its question was answered with'
  if (status === 'failed') return 'has failed and yet has a text'
  const sent = textSent(request)
  if (status !== 'complete') {
    return sent.startsWith(content) ? undefined : `is no beginning of request ${request.id}`
  }
  const isWhole = content === wholeText(request) && content === sent
  return isWhole ? undefined : `is not the whole text of request ${request.id}`
}

/**
 * Checks that a viewer never takes a delta of a lower attempt after one of a higher, never takes
 * one twice, and never skips one. A draft of a catch-up is not a gap.
 */
export function checkAttempts({ drafts }: SessionRun, { viewers }: RunIndex): Fault[] {
  const rowsOf = Map.groupBy(drafts, ({ process, replyId }) => `${process}/${replyId}`)
  return [...rowsOf.values()].flatMap((rows) => {
    return describeRows(rows, viewers.get(rows[0]?.process ?? '') ?? [])
  })
}

function describeRows(rows: readonly DraftEvent[], viewer: readonly ViewerEvent[]): Fault[] {
  const found: Fault[] = []
  let last: DraftEvent | undefined
  for (const row of rows) {
    const fault = describeStep(last, row, viewer)
    if (fault) {
      const name = `${row.process} on reply ${row.replyId}:`
      found.push({ message: `${name} ${fault}`, at: row.at })
    }
    if (!last || row.attempt >= last.attempt) last = row
  }
  return found
}

function describeStep(
  last: DraftEvent | undefined,
  row: DraftEvent,
  viewer: readonly ViewerEvent[],
): string | undefined {
  if (last && row.attempt < last.attempt) {
    return `attempt ${row.attempt} was taken after attempt ${last.attempt}`
  }
  const next = last?.attempt === row.attempt ? last.to + 1 : 0
  if (row.from === next) return undefined
  // A viewer that was away may get the draft so far, or the whole draft again, when it returns.
  if (row.joined || wasAway(last, row, viewer)) return undefined
  return `delta ${row.from} of attempt ${row.attempt} was taken where ${next} is next`
}

function wasAway(
  last: DraftEvent | undefined,
  row: DraftEvent,
  viewer: readonly ViewerEvent[],
): boolean {
  const [from, to] = [last?.at ?? -Infinity, row.since ?? row.at]
  return viewer.some(({ at }) => at >= from && at <= to)
}
