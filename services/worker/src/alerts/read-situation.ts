import type { Message, Session } from '@chatbox/contract'
import type { Alert, AlertSituation } from '@chatbox/core'
import type { AlertContext } from './alert-context.ts'

/** As many entries as one look after an operator's answer reads. */
const LOOK = 100

/** Reads what the decision about an alert depends on. */
export async function readSituation(context: AlertContext, alert: Alert): Promise<AlertSituation> {
  const { sessions, presence, clock, policy } = context
  const { sessionId, rule } = alert
  const now = clock.now()
  const session = sessionId === undefined ? undefined : await sessions.find(sessionId)
  const operator = rule === 'reply.unread' ? session?.assistedBy : undefined
  return {
    now,
    session,
    isAnswered: operator ? await isAnswered(context, alert) : false,
    operatorIsHere: operator ? (await presence.count(operator.id)) > 0 : false,
    quietUntil: policy.quietUntil(now),
  }
}

async function isAnswered({ messages }: AlertContext, alert: Alert): Promise<boolean> {
  const { sessionId = '' } = alert
  const entry = await messages.find(sessionId, toMessageId(alert))
  if (!entry) return true
  const { messages: later } = await messages.read(sessionId, { afterSeq: entry.seq, limit: LOOK })
  return later.some(({ sender, event }: Message) => sender.type === 'admin' && !event)
}

function toMessageId({ id }: Alert): string {
  return id.slice(id.indexOf('~') + 1)
}

/** Returns a visitor's words about an alert, for sites that want them in their mailboxes. */
export async function readWords(
  { messages, sessions }: AlertContext,
  alert: Alert,
): Promise<string | undefined> {
  const { sessionId, rule } = alert
  if (sessionId === undefined) return undefined
  if (rule === 'reply.unread') return (await messages.find(sessionId, toMessageId(alert)))?.content
  const session: Session | undefined = await sessions.find(sessionId)
  const note = session?.help?.note
  return note === '' ? undefined : note
}
