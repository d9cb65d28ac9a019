import type { Store } from '@chatbox/adapters'
import type { DeskAction } from '@chatbox/contract'
import {
  answer,
  eventEntry,
  newId,
  newNote,
  newOutcome,
  newSession,
  replyEntry,
  retryOf,
  startReply,
  userEntry,
} from './store.support.ts'

const MARK = 'ZebraMarker'
let count = 0
const mark = (): string => `${MARK}${++count}`

/** Writes a marker through every method and into every field that carries a text. */
export async function writeMarkers(store: Store): Promise<string> {
  const { session } = await store.sessions.create({ ...newSession(), userName: mark() })
  const by = { id: newId(), name: mark() }
  const attachment = { id: newId(), name: mark(), mediaType: mark(), bytes: 1, url: mark() }
  const error = { code: 'LLM_UNAVAILABLE', message: mark(), retryable: true } as const
  await store.messages.append(
    userEntry(session.id, {
      kind: 'file',
      sender: { type: 'user', id: 'user', name: mark() },
      content: mark(),
      attachments: [attachment],
    }),
  )
  const failed = await answer(store, session.id, { status: 'failed', content: mark(), error })
  await store.replies.retry(retryOf(session.id, failed.replyId))
  await store.replies.cancel(session.id, 'all')
  // One whose outcome stays where it waits for the log, and one whose outcome is in both.
  const waiting = await startReply(store, session.id)
  await store.replies.commit(waiting, newOutcome({ content: mark(), status: 'failed', error }))
  const entered = await startReply(store, session.id)
  const outcome = newOutcome({ content: mark() })
  await store.replies.commit(entered, outcome)
  await store.messages.append(replyEntry(entered, outcome))
  await store.messages.append(eventEntry(session.id, { type: 'help_requested', note: mark() }))
  await store.messages.append(userEntry(session.id))
  await store.messages.append(eventEntry(session.id, { type: 'takeover_started', by }))
  const sender = { type: 'admin', id: by.id, name: by.name } as const
  await store.messages.append(userEntry(session.id, { sender, content: mark() }))
  await store.conversationRefs.save(session.id, 'dify', mark())
  await store.signInTickets.create({ digest: session.id, content: mark() }, 60_000)
  await writeDesk(store, session.id)
  await store.sessions.find(session.id)
  return session.id
}

async function writeDesk({ desks }: Store, sessionId: string): Promise<void> {
  const person = () => ({ id: mark(), name: mark() })
  const actions: DeskAction[] = [
    { type: 'note', text: mark(), mentions: [mark()] },
    { type: 'assigned', to: person() },
    { type: 'tagged', tags: [mark()] },
    { type: 'summary', text: mark(), upToSeq: 1 },
  ]
  for (const action of actions) {
    await desks.append(newNote(sessionId, { by: person(), action }))
  }
  await desks.saveDraft({ sessionId, operatorId: 'olga' }, mark())
}

/** The markers that can be read in raw data, also where a text is merely encoded. */
export function findMarkers(raw: string): string[] {
  const found: string[] = raw.match(/ZebraMarker\d+/gu) ?? []
  const encoded = raw.match(/[\w+/-]{12,}={0,2}/gu) ?? []
  for (const word of encoded) {
    for (let offset = 0; offset < 4; offset++) {
      const decoded = Buffer.from(word.slice(offset), 'base64').toString('latin1')
      if (decoded.includes(MARK)) found.push(`encoded ${MARK}`)
    }
    if (Buffer.from(word, 'hex').toString('latin1').includes(MARK)) found.push(`hex ${MARK}`)
  }
  return found
}
