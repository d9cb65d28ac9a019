import type { ClientData, ClientPayload, Sender, Session, User } from '@chatbox/contract'
import { AppError, checkActive, isAdmin, type Appended } from '@chatbox/core'
import type { Context } from '../../context.ts'
import { toLane } from '../message/to-lane.ts'
import { appendEvent } from '../append-event.ts'
import { checkSession } from '../check-session.ts'
import { enqueueAnswer } from '../message/accept-message.ts'
import { cutReply } from '../reply/cut-reply.ts'
import { settleQuestions } from '../reply/settle-questions.ts'

/**
 * Gives a session to an operator. From the entry on no word of the model enters the log, and the
 * reply that is being written ends before it. Throws `CONFLICT` with the name of the operator who
 * has the session, and does nothing if it is the caller.
 */
export async function startTakeover(
  context: Context,
  who: User,
  { sessionId, from }: ClientPayload<'takeover:start'>,
): Promise<ClientData<'takeover:start'>> {
  const session = await findOthers(context, who, sessionId)
  checkActive(session)
  if (session.assistedBy?.id === who.id) return { session }
  if (session.assistedBy?.id !== from) throw takenBy(session)
  if (from !== undefined) await checkGone(context, who, session)
  await cutReply(context, sessionId)
  const by = { id: who.id, name: who.name }
  const event = { type: 'takeover_started' as const, by, ...(from === undefined ? {} : { from }) }
  const taken = await unlessMine(context, who, {
    sessionId,
    appending: appendEvent(context, { sessionId, sender: toSender(who), event }),
  })
  if (taken.isNew) context.metrics.takeoverChanged(from === undefined ? 'started' : 'passed')
  // Also after another gateway's entry, because that gateway may have died before this. What is
  // asked after a hand-back, however late this comes, is not among them.
  await settleQuestions(context, sessionId, taken.upToSeq)
  return { session: taken.session }
}

/**
 * Hands a session back to the model, which answers what the user wrote last if no person has. Does
 * nothing if nobody has it.
 */
export async function endTakeover(
  context: Context,
  who: User,
  { sessionId }: ClientPayload<'takeover:end'>,
): Promise<ClientData<'takeover:end'>> {
  const session = await findOthers(context, who, sessionId)
  checkActive(session)
  const { assistedBy } = session
  if (!assistedBy) return { session }
  if (assistedBy.id !== who.id) throw takenBy(session)
  const event = { type: 'takeover_ended' as const, by: { id: who.id, name: who.name } }
  const lane = toLane(context, { id: session.userId }, UNKNOWN_ADDRESS)
  const ended = await appendEvent(
    context,
    { sessionId, sender: toSender(who), event },
    {
      replyId: context.clock.newId(),
      payer: context.budgets.payerOf(session.userId, undefined),
      lane,
    },
  )
  context.metrics.takeoverChanged('ended')
  enqueueAnswer(context, sessionId, lane)
  return { session: ended.session }
}

/** The visitor's own is not known here. Visitors who are handed back take turns as one address. */
const UNKNOWN_ADDRESS = ''

async function findOthers(context: Context, who: User, sessionId: string): Promise<Session> {
  const session = await checkSession(context, 'assist', {
    who,
    session: await context.sessions.find(sessionId),
  })
  if (session.userId !== who.id) return session
  throw new AppError('CONFLICT', 'This is your own chat. Another operator can take it over.')
}

/** Only an admin takes a session from an operator who is still there. */
async function checkGone({ presence }: Context, who: User, { assistedBy }: Session): Promise<void> {
  if (isAdmin(who) || !assistedBy || (await presence.count(assistedBy.id)) === 0) return
  throw new AppError('CONFLICT', `${assistedBy.name || 'The other operator'} is still here.`)
}

interface Taking {
  sessionId: string
  appending: Promise<Appended>
}

interface Taken {
  session: Session
  /** No question up to this entry wants an answer of the model. */
  upToSeq: number
  /** False if another click of the caller was first. */
  isNew: boolean
}

/** Two clicks of one operator are one takeover. */
async function unlessMine(
  { sessions }: Context,
  who: User,
  { sessionId, appending }: Taking,
): Promise<Taken> {
  try {
    const { session, message } = await appending
    return { session, upToSeq: message.seq, isNew: true }
  } catch (error) {
    const session = await sessions.find(sessionId)
    if (session?.assistedBy?.id === who.id) {
      return { session, upToSeq: session.lastSeq, isNew: false }
    }
    throw error
  }
}

function takenBy({ assistedBy }: Session): AppError {
  const message = assistedBy
    ? `${assistedBy.name || 'Another operator'} has this chat.`
    : 'Nobody has this chat any more.'
  return new AppError('CONFLICT', message)
}

function toSender({ id, name }: User): Sender {
  return { type: 'admin', id, name }
}
