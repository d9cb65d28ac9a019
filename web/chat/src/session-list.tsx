import { type ChatClient, type ChatState, isVisitor } from '@chatbox/client'
import type { Session } from '@chatbox/contract'
import { Icon, IconButton, LinkButton, toShortTime } from '@chatbox/ui'
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { AskFirst } from './ask-first.tsx'
import { DownloadChat } from './download-chat.tsx'
import { strings } from './strings.ts'

interface SessionListProps {
  client: ChatClient
  state: ChatState
  /** Called when the user has made a choice. */
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
      {log && log.lastSeq > 0 && (
        <ShownChat key={log.session.id} client={client} session={log.session} onChoice={onChoice} />
      )}
      <h2>{strings.chats}</h2>
      {sessions.status === 'failed' && (
        <p class="sessions-note" role="alert">
          {strings.chatsFailed}{' '}
          <LinkButton onClick={() => void client.listSessions()}>{strings.retry}</LinkButton>
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
      {state.user && isVisitor(state.user) && <ForgetMe client={client} onChoice={onChoice} />}
    </nav>
  )
}

interface ShownChatProps extends Pick<SessionListProps, 'client' | 'onChoice'> {
  session: Session
}

/** What can be done with the shown chat. */
function ShownChat({ client, session, onChoice }: ShownChatProps): JSX.Element {
  return (
    <>
      <DownloadChat client={client} session={session} onFailed={onChoice} />
      {session.status === 'active' && (
        <AskFirst
          icon="end"
          label={strings.endChat}
          question={strings.endConfirm}
          keepLabel={strings.keepChat}
          confirmLabel={strings.endChat}
          onConfirm={() => {
            void client.endSession()
            onChoice()
          }}
        />
      )}
    </>
  )
}

/** For visitors only: a user with an account signs out where they have signed in. */
function ForgetMe({ client, onChoice }: Omit<ShownChatProps, 'session'>): JSX.Element {
  return (
    <AskFirst
      icon="close"
      label={strings.forget}
      question={strings.forgetConfirm}
      keepLabel={strings.keepChats}
      confirmLabel={strings.forgetNow}
      onConfirm={() => {
        void client.forgetVisitor()
        onChoice()
      }}
    />
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
        <span class="session-name" dir="auto">
          {session.name || strings.unnamed}
        </span>
        <span class="session-note">
          {toShortTime(session.lastActivityAt, new Date())}
          {session.status === 'ended' && ` · ${strings.ended}`}
        </span>
      </button>
    </li>
  )
}

/** Adds the session on the page to the list if the list has not been reloaded yet. */
function withShown(items: readonly Session[], shown: Session | undefined): readonly Session[] {
  if (!shown) return items
  if (!items.some(({ id }) => id === shown.id)) return [shown, ...items]
  return items.map((item) => (item.id === shown.id ? shown : item))
}

interface DrawerProps {
  onClose: () => void
  children: ComponentChildren
}

/** A modal dialog at the side. The browser keeps and restores the focus; Esc closes. */
export function Drawer({ onClose, children }: DrawerProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current
    element?.showModal()
    return () => element?.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="drawer"
      aria-label={strings.chats}
      onClose={onClose}
      onClick={(event) => {
        // The children fill the box, so a click on the dialog itself is outside of it.
        if (event.target === dialog.current) onClose()
      }}
    >
      <div class="drawer-content">
        <IconButton
          class="icon-button drawer-close"
          icon="close"
          label={strings.closeChats}
          onClick={onClose}
        />
        {children}
      </div>
    </dialog>
  )
}
