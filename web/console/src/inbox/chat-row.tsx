import type { InboxRow } from '@chatbox/contract'
import { Icon, toShortTime } from '@chatbox/ui'
import type { JSX } from 'preact'
import { strings } from '../strings.ts'

/** The height of a row in the style. */
export const ROW_PX = 76

interface ChatRowProps {
  row: InboxRow
  /** Its place in the list, from 1, and the number of rows; -1 if there are more. */
  at: number
  of: number
  ownId: string | undefined
  isOpen: boolean
  onOpen: () => void
}

export function ChatRow({ row, at, of, ownId, isOpen, onOpen }: ChatRowProps): JSX.Element {
  const { session, desk, unread, waitingSince } = row
  const now = new Date()
  return (
    <li aria-setsize={of} aria-posinset={at}>
      <button
        type="button"
        class={`chat-row ${unread > 0 ? 'chat-row-unread' : ''}`}
        aria-current={isOpen ? 'true' : undefined}
        onClick={onOpen}
      >
        <span class="chat-row-who" dir="auto">
          {session.userName || strings.visitor}
        </span>
        <time class="chat-row-time" dateTime={session.lastActivityAt}>
          {toShortTime(session.lastActivityAt, now)}
        </time>
        <span class="chat-row-name" dir="auto">
          {session.name || strings.unnamed}
        </span>
        {unread > 0 && (
          <span class="badge">
            <span aria-hidden="true">{unread}</span>
            <span class="hidden">{strings.unread(unread)}</span>
          </span>
        )}
        <span class="chat-row-state">
          <State row={row} ownId={ownId} />
          {waitingSince !== null && (
            <span class="waits">{strings.waits(toShortTime(waitingSince, now))}</span>
          )}
          {desk.priority !== 'normal' && (
            <span class={`priority priority-${desk.priority}`}>
              {strings.priorities[desk.priority]}
            </span>
          )}
        </span>
      </button>
    </li>
  )
}

function State({ row: { session }, ownId }: Pick<ChatRowProps, 'row' | 'ownId'>): JSX.Element {
  const { assistedBy, help, status } = session
  if (status === 'ended') return <span>{strings.views.ended}</span>
  if (assistedBy) {
    return (
      <span class="who">
        <Icon name="person" />
        {assistedBy.id === ownId ? strings.withYou : strings.withOther(assistedBy.name)}
      </span>
    )
  }
  if (help) {
    return (
      <span class="who who-help">
        <Icon name="alert" />
        {strings.asksForHelp}
      </span>
    )
  }
  return (
    <span class="who">
      <Icon name="assistant" />
      {strings.views.assistant}
    </span>
  )
}
