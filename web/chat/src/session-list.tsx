import type { ChatClient, ChatState } from '@chatbox/client'
import type { Session } from '@chatbox/contract'
import { Icon, IconButton, LinkButton, toShortTime } from '@chatbox/ui'
import type { ComponentChildren, JSX } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
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
        <EndChat
          onEnd={() => {
            void client.endSession()
            onChoice()
          }}
        />
      )}
    </>
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

/** Ends the shown chat after a confirmation in the same place. */
function EndChat({ onEnd }: { onEnd: () => void }): JSX.Element {
  const [isAsking, setAsking] = useState(false)
  const button = useRef<HTMLButtonElement>(null)
  const wasAsking = useRef(false)
  useLayoutEffect(() => {
    if (wasAsking.current && !isAsking) button.current?.focus()
    wasAsking.current = isAsking
  }, [isAsking])
  if (isAsking) return <Confirm onEnd={onEnd} onKeep={() => setAsking(false)} />
  return (
    <button type="button" class="chat-action" ref={button} onClick={() => setAsking(true)}>
      <Icon name="end" />
      {strings.endChat}
    </button>
  )
}

interface ConfirmProps {
  onEnd: () => void
  onKeep: () => void
}

/** The harmless button has the focus, so that a held key does no damage. */
function Confirm({ onEnd, onKeep }: ConfirmProps): JSX.Element {
  const keep = useRef<HTMLButtonElement>(null)
  useLayoutEffect(() => keep.current?.focus(), [])
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    // Esc must neither close the surrounding dialog nor stop an answer.
    event.preventDefault()
    event.stopPropagation()
    onKeep()
  }
  return (
    <div class="end-confirm" role="group" aria-labelledby="end-confirm" onKeyDown={onKeyDown}>
      <p id="end-confirm">{strings.endConfirm}</p>
      <button type="button" class="small-button" ref={keep} onClick={onKeep}>
        {strings.keepChat}
      </button>
      <button type="button" class="small-button small-button-danger" onClick={onEnd}>
        {strings.endChat}
      </button>
    </div>
  )
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
