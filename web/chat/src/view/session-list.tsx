import type { ChatClient, ChatState } from '@chatbox/client'
import type { Session } from '@chatbox/contract'
import type { JSX } from 'preact'
import { toShortTime } from '../format-time.ts'
import { strings } from '../strings.ts'
import { EndChat } from './end-chat.tsx'
import { Icon } from './icons.tsx'

interface SessionListProps {
  client: ChatClient
  state: ChatState
  /** The user has chosen where to go. */
  onChoice: () => void
}

export function SessionList({ client, state, onChoice }: SessionListProps): JSX.Element {
  const { sessions, log } = state
  const items = withShown(sessions.items, log?.session)
  return (
    <nav class="sessions" aria-label={strings.chats}>
      <button
        type="button"
        class="new-chat"
        onClick={() => {
          void client.newSession()
          onChoice()
        }}
      >
        <Icon name="plus" />
        {strings.newChat}
      </button>
      {log?.session.status === 'active' && log.lastSeq > 0 && (
        <EndChat
          key={log.session.id}
          onEnd={() => {
            void client.endSession()
            onChoice()
          }}
        />
      )}
      <h2>{strings.chats}</h2>
      {sessions.status === 'failed' && (
        <p class="sessions-note" role="alert">
          {strings.chatsFailed}{' '}
          <button type="button" class="link" onClick={() => void client.listSessions()}>
            {strings.retry}
          </button>
        </p>
      )}
      {items.length === 0 && sessions.status === 'ready' && (
        <p class="sessions-note">{strings.noChats}</p>
      )}
      <ul>
        {items.map((session) => (
          <SessionItem
            key={session.id}
            session={session}
            isShown={session.id === log?.session.id}
            onClick={() => {
              void client.openSession(session.id)
              onChoice()
            }}
          />
        ))}
      </ul>
      {sessions.nextCursor !== null && (
        <button type="button" class="link more" onClick={() => void client.listSessions(true)}>
          {strings.moreChats}
        </button>
      )}
    </nav>
  )
}

interface SessionItemProps {
  session: Session
  isShown: boolean
  onClick: () => void
}

function SessionItem({ session, isShown, onClick }: SessionItemProps): JSX.Element {
  return (
    <li>
      <button
        type="button"
        class="session"
        aria-current={isShown ? 'true' : undefined}
        onClick={onClick}
      >
        <span class="session-name">{session.name || strings.unnamed}</span>
        <span class="session-note">
          {toShortTime(session.lastActivityAt, new Date())}
          {session.status === 'ended' && ` · ${strings.ended}`}
        </span>
      </button>
    </li>
  )
}

/** The session on the page is in its list, also before the list is read anew. */
function withShown(items: readonly Session[], shown: Session | undefined): readonly Session[] {
  if (!shown) return items
  if (!items.some(({ id }) => id === shown.id)) return [shown, ...items]
  return items.map((item) => (item.id === shown.id ? shown : item))
}
