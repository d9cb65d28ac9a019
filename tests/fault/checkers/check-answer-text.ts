import type { DraftEvent, FinalMessage, Finding } from '../history.ts'
import { findRequest, textSent, wholeText, type ModelRequest } from './model-requests.ts'
import { isReply, isUserText } from './row-finder.ts'
import type { RunIndex, SessionRun } from './run-index.ts'

/**
 * An answer is what the model server streamed for one request, whole where it is said to be whole,
 * and for the attempt that won. So is every draft, and every viewer of an attempt sees the same.
 */
export function checkAnswerText(run: RunIndex): Finding[] {
  const all = [...run.requests.values()].flat()
  const byId = new Map(all.map((request) => [request.id, request]))
  return run.sessions.flatMap((session) => {
    const { sessionId } = session
    const drafts = readDrafts(session.drafts, byId)
    const found = [...drafts.faults, ...describeReplies(run, session, drafts.requestOf)]
    return found.map((message) => ({ check: 'answer-text', message, sessionId }))
  })
}

interface Drafts {
  faults: string[]
  /** By reply and attempt, which request was shown. */
  requestOf: Map<string, ModelRequest>
}

function readDrafts(
  drafts: readonly DraftEvent[],
  byId: ReadonlyMap<number, ModelRequest>,
): Drafts {
  const faults: string[] = []
  const requestOf = new Map<string, ModelRequest>()
  for (const { process, replyId, attempt, text } of drafts) {
    if (!text) continue
    const name = `attempt ${attempt} of reply ${replyId}`
    const request = byId.get(Number(/^\d+/u.exec(text)?.[0]))
    if (!request || !wholeText(request).startsWith(text)) {
      faults.push(`${process} showed for ${name} what no one request was answered with`)
      continue
    }
    const key = keyOf(replyId, attempt)
    const known = requestOf.get(key) ?? request
    requestOf.set(key, known)
    if (known !== request) {
      faults.push(`${process} saw request ${request.id} as ${name}, others saw ${known.id}`)
    }
  }
  return { faults, requestOf }
}

function describeReplies(
  run: RunIndex,
  session: SessionRun,
  requestOf: ReadonlyMap<string, ModelRequest>,
): string[] {
  const questions = new Map(session.log.filter(isUserText).map((row) => [row.id, row]))
  const epochs = new Map(session.replies.map(({ replyId, epoch }) => [replyId, epoch]))
  return session.log.filter(isReply).flatMap((row) => {
    const question = row.replyTo === undefined ? undefined : questions.get(row.replyTo)
    if (!question) return []
    const request = findRequest(row.content, run.requests.get(question.content) ?? [])
    const fault = describeText(row, request)
    if (fault) return [`reply ${row.id} at seq ${row.seq} ${fault}`]
    const epoch = epochs.get(row.id)
    const winner = epoch === undefined ? undefined : requestOf.get(keyOf(row.id, epoch))
    if (!request || !winner || winner === request) return []
    return [
      `reply ${row.id} has the text of request ${request.id}; its attempt ${epoch} was ${winner.id}`,
    ]
  })
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

function keyOf(replyId: string, attempt: number): string {
  return `${replyId}/${attempt}`
}
