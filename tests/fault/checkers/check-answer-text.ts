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
    const found = [...drafts.faults, ...describeReplies(run, session, drafts.shown)]
    return found.map((message) => ({ check: 'answer-text', message, sessionId }))
  })
}

interface Shown {
  attempt: number
  request: ModelRequest
}

interface Drafts {
  faults: string[]
  /** By reply, which request each attempt was. */
  shown: Map<string, Shown[]>
}

function readDrafts(
  drafts: readonly DraftEvent[],
  byId: ReadonlyMap<number, ModelRequest>,
): Drafts {
  const faults: string[] = []
  const shown = new Map<string, Shown[]>()
  for (const { process, replyId, attempt, text } of drafts) {
    if (!text) continue
    const name = `attempt ${attempt} of reply ${replyId}`
    const request = byId.get(Number(/^\d+/u.exec(text)?.[0]))
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
    const request = findRequest(row.content, run.requests.get(question.content) ?? [])
    const fault =
      describeText(row, request) ??
      (request && describeWinner(request, shown.get(row.id) ?? [], epochs.get(row.id)))
    return fault ? [`reply ${row.id} at seq ${row.seq} ${fault}`] : []
  })
}

/** Where the attempt that won is not known, nobody may have seen a later one than the text is of. */
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
