import type { HistoryEvent } from '../history.ts'

/** One time that a message was sent, and what came of it. */
export interface SendTry {
  at: number
  process: string
  gateway: number
  value: string
  resend: number
  cause: 'dropped' | 'failed' | undefined
  /** Undefined where nothing was heard before the run ended: it may have happened. */
  end: SendEnd | undefined
}

export type SendEnd =
  | { phase: 'ok'; at: number; messageId: string; seq: number; value: string }
  | { phase: 'fail' | 'unknown'; at: number; code: string }

/** A message under its one `clientMessageId`, however often it was sent. */
export interface SentMessage {
  sessionId: string
  clientMessageId: string
  /** Any of them may be the stored one: a resend that comes first may carry another body. */
  values: ReadonlySet<string>
  tries: readonly SendTry[]
}

export type Acknowledged = SendTry & { end: SendEnd & { phase: 'ok' } }

/** By session, in the order of the first try. */
export function indexSends(history: readonly HistoryEvent[]): Map<string, SentMessage[]> {
  const bySession = new Map<string, Map<string, SentMessage & { tries: SendTry[] }>>()
  const open = new Map<number, SendTry>()
  for (const event of history) {
    if (event.op !== 'send') continue
    if (event.phase !== 'invoke') {
      const tried = open.get(event.id)
      if (tried) tried.end = event
      continue
    }
    const { at, process, gateway, value, resend, cause } = event
    const tried: SendTry = { at, process, gateway, value, resend, cause, end: undefined }
    open.set(event.id, tried)
    const message = findOrAdd(bySession, event)
    message.tries.push(tried)
  }
  return new Map([...bySession].map(([id, sent]) => [id, [...sent.values()].map(withValues)]))
}

export function acknowledgements(message: SentMessage): Acknowledged[] {
  const isOk = (tried: SendTry): tried is Acknowledged => tried.end?.phase === 'ok'
  return message.tries.filter(isOk)
}

type Growing = SentMessage & { tries: SendTry[] }

function findOrAdd(
  bySession: Map<string, Map<string, Growing>>,
  { sessionId, clientMessageId }: Pick<SentMessage, 'sessionId' | 'clientMessageId'>,
): Growing {
  const sent = bySession.get(sessionId) ?? new Map<string, Growing>()
  bySession.set(sessionId, sent)
  const known = sent.get(clientMessageId)
  if (known) return known
  const added = { sessionId, clientMessageId, values: new Set<string>(), tries: [] }
  sent.set(clientMessageId, added)
  return added
}

function withValues(message: Growing): SentMessage {
  return { ...message, values: new Set(message.tries.map(({ value }) => value)) }
}
