import type { ChatClient, ChatState, SessionLog } from '@chatbox/client'
import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo } from 'preact/hooks'
import { IconButton, Logo } from './controls.tsx'
import { useEndOfLog } from './end-of-log.ts'
import { MessageRow, ReplyRow, UnsentRow } from './message-rows.tsx'
import {
  findSeen,
  type Reader,
  type Row,
  toEventText,
  toLogRows,
  toRetriesKey,
  toTailRows,
} from './rows.ts'
import { strings } from './strings.ts'

interface ConversationProps {
  log: SessionLog
  /** The shown state besides the log. */
  state: Pick<ChatState, 'connection' | 'loadingOlder' | 'models' | 'readUpTo' | 'unsent' | 'user'>
  actions: Pick<ChatClient, 'discard' | 'loadOlder' | 'markRead' | 'resend' | 'retry'>
  /** An operator cannot ask for a reply again. Defaults to the user. */
  reader?: Reader
}

/** The log of one session. `aria-live` is off because replies are announced elsewhere. */
export function Conversation({
  log,
  state,
  actions,
  reader = 'user',
}: ConversationProps): JSX.Element {
  const loadOlder = useCallback(() => void actions.loadOlder(), [actions])
  const end = useEndOfLog(log.messages[0]?.id ?? '', loadOlder)
  const { messages, session } = log
  const { models, unsent } = state
  const seenId = findSeen(log, state)
  const rows = useMemo(
    () =>
      toLogRows(log, new Date()).map((row) => renderRow(row, { state, actions, reader, seenId })),
    // Other fields of the log do not affect these rows and change with every piece of a reply.
    [messages, session.status, session.modelId, toRetriesKey(log), models, actions, seenId],
  )
  const tail = toTailRows(log, unsent)
  const lastSent = unsent.at(-1)?.clientMessageId
  const { goToEnd } = end
  useEffect(() => {
    if (lastSent !== undefined) goToEnd()
  }, [lastSent, goToEnd])
  useMarkRead(actions, end.isFollowed, log.lastSeq)

  return (
    <div class="conversation">
      <div
        class="scroller"
        role="log"
        aria-live="off"
        aria-label={strings.conversation}
        tabIndex={0}
        ref={end.scroller}
        onScroll={end.onScroll}
        onWheel={end.onWheel}
      >
        <div class="column">
          {log.hasOlder && (
            <button type="button" class="older" onClick={loadOlder} aria-busy={state.loadingOlder}>
              {state.loadingOlder ? strings.readingOlder : strings.older}
            </button>
          )}
          {rows.length + tail.length === 0 && <Empty reader={reader} />}
          {[...rows, ...tail.map((row) => renderRow(row, { state, actions, reader }))]}
        </div>
      </div>
      {!end.isFollowed && (
        <IconButton class="to-end" icon="down" label={strings.latest} onClick={goToEnd} />
      )}
    </div>
  )
}

interface RowContext extends Required<Omit<ConversationProps, 'log'>> {
  seenId?: string | undefined
}

function renderRow(row: Row, context: RowContext): JSX.Element {
  const { state, actions, reader, seenId } = context
  const { key } = row
  switch (row.kind) {
    case 'day':
      return (
        <div key={key} class="day">
          <span>{row.text}</span>
        </div>
      )
    case 'message':
      return (
        <MessageRow
          key={key}
          message={row.message}
          isSeen={row.message.id === seenId}
          reader={reader}
        />
      )
    case 'reply':
      return (
        <ReplyRow
          key={key}
          message={row.message}
          canRetry={row.canRetry && reader === 'user'}
          actions={actions}
        />
      )
    case 'event':
      return (
        <p key={key} class="event">
          {toEventText(row.message, state.models, reader)}
        </p>
      )
    case 'draft':
      return <ReplyRow key={key} draft={row.draft} actions={actions} />
    case 'awaiting':
      return <ReplyRow key={key} actions={actions} />
    case 'unsent': {
      const isOnline = state.connection.status === 'online'
      return <UnsentRow key={key} unsent={row.unsent} isOnline={isOnline} actions={actions} />
    }
  }
}

/** Marks the log as read while its end is followed. */
function useMarkRead(
  actions: ConversationProps['actions'],
  isFollowed: boolean,
  lastSeq: number,
): void {
  useEffect(() => {
    const onLook = (): void => {
      if (isFollowed && document.visibilityState === 'visible') actions.markRead()
    }
    onLook()
    document.addEventListener('visibilitychange', onLook)
    return () => document.removeEventListener('visibilitychange', onLook)
  }, [actions, isFollowed, lastSeq])
}

function Empty({ reader }: { reader: Reader }): JSX.Element | null {
  if (reader === 'operator') return null
  return (
    <div class="empty">
      <Logo />
      <h2>{strings.emptyTitle}</h2>
      <p>{strings.emptyText}</p>
    </div>
  )
}
