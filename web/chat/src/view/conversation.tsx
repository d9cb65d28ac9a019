import type { ChatClient, ChatState, SessionLog } from '@chatbox/client'
import type { JSX } from 'preact'
import { useCallback, useEffect, useMemo } from 'preact/hooks'
import { strings } from '../strings.ts'
import { findSeen, type Row, toLogRows, toTailRows } from '../to-rows.ts'
import { useEndOfLog } from '../use-end-of-log.ts'
import { EventRow } from './event-row.tsx'
import { Icon, Logo } from './icons.tsx'
import { AwaitingRow, DayRow, DraftRow, QuestionRow, ReplyRow, UnsentRow } from './message-rows.tsx'

interface ConversationProps {
  client: ChatClient
  state: ChatState
  log: SessionLog
}

/** The log of one session. `aria-live` is off: a reply is announced once, when it is finished. */
export function Conversation({ client, state, log }: ConversationProps): JSX.Element {
  const loadOlder = useCallback(() => void client.loadOlder(), [client])
  const end = useEndOfLog(log.messages[0]?.id ?? '', loadOlder)
  const { messages, session } = log
  const { models, unsent } = state
  const seenId = findSeen(log, state)
  const rows = useMemo(
    () => toLogRows(log, new Date()).map((row) => renderRow(row, { client, state, seenId })),
    // The rest of the log does not show in these rows, and changes with every piece of a reply.
    [messages, session.status, models, client, seenId],
  )
  const tail = toTailRows(log, unsent)
  const lastSent = unsent.at(-1)?.clientMessageId
  const { goToEnd } = end
  useEffect(() => {
    if (lastSent !== undefined) goToEnd()
  }, [lastSent, goToEnd])
  useMarkRead(client, end.isAtEnd, log.lastSeq)
  const isEmpty = rows.length === 0 && tail.length === 0

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
      >
        <div class="column">
          {log.hasOlder && <OlderButton isReading={state.loadingOlder} onClick={loadOlder} />}
          {isEmpty && <Empty />}
          {[...rows, ...tail.map((row) => renderRow(row, { client, state }))]}
        </div>
      </div>
      {!end.isAtEnd && (
        <button type="button" class="to-end" aria-label={strings.latest} onClick={goToEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  )
}

interface RowContext extends Pick<ConversationProps, 'client' | 'state'> {
  seenId?: string | undefined
}

function renderRow(row: Row, { client, state, seenId }: RowContext): JSX.Element {
  const isOnline = state.connection.status === 'online'
  switch (row.kind) {
    case 'day':
      return <DayRow key={row.key} text={row.text} />
    case 'message':
      return <QuestionRow key={row.key} message={row.message} isSeen={row.message.id === seenId} />
    case 'reply':
      return (
        <ReplyRow key={row.key} message={row.message} canRetry={row.canRetry} client={client} />
      )
    case 'event':
      return <EventRow key={row.key} message={row.message} models={state.models} />
    case 'draft':
      return <DraftRow key={row.key} draft={row.draft} />
    case 'awaiting':
      return <AwaitingRow key={row.key} />
    case 'unsent':
      return <UnsentRow key={row.key} unsent={row.unsent} client={client} isOnline={isOnline} />
  }
}

/** What is at the end of the log on a page that is looked at has been read. */
function useMarkRead(client: ChatClient, isAtEnd: boolean, lastSeq: number): void {
  useEffect(() => {
    const onLook = (): void => {
      if (isAtEnd && document.visibilityState === 'visible') client.markRead()
    }
    onLook()
    document.addEventListener('visibilitychange', onLook)
    return () => document.removeEventListener('visibilitychange', onLook)
  }, [client, isAtEnd, lastSeq])
}

function OlderButton(props: { isReading: boolean; onClick: () => void }): JSX.Element {
  return (
    <button type="button" class="older" onClick={props.onClick} aria-busy={props.isReading}>
      {props.isReading ? strings.readingOlder : strings.older}
    </button>
  )
}

function Empty(): JSX.Element {
  return (
    <div class="empty">
      <Logo />
      <h2>{strings.emptyTitle}</h2>
      <p>{strings.emptyText}</p>
    </div>
  )
}
