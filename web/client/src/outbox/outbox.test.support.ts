import type { ClientPayload, Message } from '@chatbox/contract'
import { RequestError, type RequestErrorCode } from '../connection/request.ts'
import { createMessage } from '../session/fake-server.test.support.ts'
import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'
import { Outbox } from './outbox.ts'

/** An outbox on a storage in memory and a server that answers as it is told. */
export interface OutboxLab {
  storage: OutboxStorage
  /** What came to the server, in order. */
  sent: ClientPayload<'message:send'>[]
  delivered: Message[]
  /** What the server answers to the next messages. It takes those that no answer is for. */
  answers: (RequestError | 'hang')[]
  open(): Outbox
}

export function createOutboxLab(): OutboxLab {
  const lab: OutboxLab = {
    storage: createMemoryStorage(),
    sent: [],
    delivered: [],
    answers: [],
    open: () =>
      new Outbox({
        storage: lab.storage,
        random: () => 0,
        send: async (payload) => {
          lab.sent.push(payload)
          const answer = lab.answers.shift()
          if (answer === 'hang') return new Promise(() => undefined)
          if (answer) throw answer
          return { message: { ...createMessage(lab.sent.length), content: payload.content } }
        },
        onSent: (message) => lab.delivered.push(message),
      }),
  }
  return lab
}

export function refusal(
  code: RequestErrorCode,
  retryable: boolean,
  retryAfterMs?: number,
): RequestError {
  const base = { code, message: 'No.', retryable }
  return new RequestError(retryAfterMs === undefined ? base : { ...base, retryAfterMs })
}
