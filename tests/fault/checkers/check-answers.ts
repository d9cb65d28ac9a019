import type { FinalMessage, FinalReply, Finding } from '../history.ts'
import { isReply, questionsOf } from './row-finder.ts'
import { groupBy, type RunIndex, type SessionRun } from './run-index.ts'

/** Every question has one current answer, which may be a failure that the user sees. */
export function checkAnswers(run: RunIndex): Finding[] {
  const retried = new Map<string, number>()
  for (const { target } of run.retries) retried.set(target, (retried.get(target) ?? 0) + 1)
  return run.sessions.flatMap((session) => {
    const { sessionId } = session
    const answers = groupBy(session.log.filter(isReply), ({ replyTo }) => replyTo ?? '')
    const outbox = new Map(session.replies.map((reply) => [reply.questionId, reply]))
    return questionsOf(session.log)
      .flatMap((question) =>
        describeQuestion(question, {
          session,
          retried,
          reply: outbox.get(question.id),
          answers: answers.get(question.id) ?? [],
        }),
      )
      .map((message) => ({ check: 'answers', message, sessionId }))
  })
}

interface Answered {
  session: SessionRun
  /** How often each reply was asked to be replaced. */
  retried: ReadonlyMap<string, number>
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

/** A reply may have one that replaces it for each time that this was asked for. */
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

/** The end of a session, or a person who takes over, leaves open questions without an answer. */
function isSilenced({ seq }: FinalMessage, { session, reply }: Answered): boolean {
  const isOver = session.log.some((row) => row.seq > seq && SILENCING.has(row.event ?? ''))
  return isOver && (reply === undefined || reply.state === 'cancelled')
}
