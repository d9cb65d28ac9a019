import type { User } from '@chatbox/contract'
import { checkAccess, type LogPage, type Sessions } from '@chatbox/core'
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
  const session = checkAccess('read', who, await deps.sessions.find(input.sessionId))
  return await readPage(deps.messages, session.id, input)
}
