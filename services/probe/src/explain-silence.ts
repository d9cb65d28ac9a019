import type { Message } from '@chatbox/contract'
import { createDeadline, type Deadline } from './deadline.ts'
import { Finding } from './finding.ts'
import { readLog, type Place } from './http-calls.ts'
import { textOf, type Draft } from './reply-watch.ts'

/** At most this, and half of what is left: the rest is for asking after the back ends. */
const READ_MS = 1000

interface Silence {
  question: Message
  draft: Draft | undefined
  token: string
  deadline: Deadline
}

/** Why an acknowledged question has no answer by now, as far as that is seen from outside. */
export async function explainSilence(
  place: Place,
  { question, draft, token, deadline }: Silence,
): Promise<Finding> {
  const { sessionId, seq: afterSeq } = question
  const within = createDeadline(Math.min(READ_MS, deadline.left() / 2))
  const log = await readLog(place, within, { sessionId, afterSeq, token }).catch(() => [])
  if (log.some(({ replyTo }) => replyTo === question.id)) {
    return new Finding('live', 'the answer is in the log, and nobody brought it to the websocket')
  }
  if (draft === undefined) {
    return new Finding('worker', 'the question was acknowledged and no worker began to answer it')
  }
  const silentS = Math.round((performance.now() - draft.lastAt) / 1000)
  const seen = textOf(draft).length
  const what =
    seen === 0
      ? `a worker took the question ${silentS} s ago and nothing came of it`
      : `the answer stopped ${silentS} s ago after ${seen} characters`
  return new Finding('reply', `${what}: its worker died and no other goes on, or its model is slow`)
}
