import type { User } from '@chatbox/contract'
import type { LogPage, Sessions } from '@chatbox/core'
import { findVisibleSession } from './access.ts'
import { readPage, type PageRange, type PageReader } from './read-page.ts'

export interface ReadHistoryDeps {
  sessions: Pick<Sessions, 'find'>
  messages: PageReader
}

/** A page of the log of a session that the user may see. */
export async function readHistory(
  deps: ReadHistoryDeps,
  who: User,
  input: PageRange & { sessionId: string },
): Promise<LogPage> {
  const session = await findVisibleSession(deps.sessions, who, input.sessionId)
  return await readPage(deps.messages, session.id, input)
}
