import type { ChatClient, ChatState, SessionLog } from '@chatbox/client'
import type { JSX, RefObject } from 'preact'
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { IconButton, Logo } from './controls.tsx'
import { DraftRow, MessageRow, ReplyRow, UnsentRow } from './message-rows.tsx'
import { findSeen, type Row, toEventText, toLogRows, toRetriesKey, toTailRows } from './rows.ts'
import { strings } from './strings.ts'

/** A reader who is this close to the end follows new text. */
const NEAR_PX = 64
const READ_OLDER_PX = 120

interface ConversationProps {
  log: SessionLog
  /** The shown state besides the log. */
  state: Pick<ChatState, 'connection' | 'loadingOlder' | 'models' | 'readUpTo' | 'unsent' | 'user'>
  actions: Pick<ChatClient, 'discard' | 'loadOlder' | 'markRead' | 'resend' | 'retry'>
}

/** The log of one session. `aria-live` is off because replies are announced elsewhere. */
export function Conversation({ log, state, actions }: ConversationProps): JSX.Element {
  const loadOlder = useCallback(() => void actions.loadOlder(), [actions])
  const end = useEndOfLog(log.messages[0]?.id ?? '', loadOlder)
  const { messages, session } = log
  const { models, unsent } = state
  const seenId = findSeen(log, state)
  const rows = useMemo(
    () => toLogRows(log, new Date()).map((row) => renderRow(row, { state, actions, seenId })),
    // Other fields of the log do not affect these rows and change with every piece of a reply.
    [messages, session.status, session.modelId, toRetriesKey(log), models, actions, seenId],
  )
  const tail = toTailRows(log, unsent)
  const lastSent = unsent.at(-1)?.clientMessageId
  const { goToEnd } = end
  useEffect(() => {
    if (lastSent !== undefined) goToEnd()
  }, [lastSent, goToEnd])
  useMarkRead(actions, end.isAtEnd, log.lastSeq)

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
          {log.hasOlder && (
            <button type="button" class="older" onClick={loadOlder} aria-busy={state.loadingOlder}>
              {state.loadingOlder ? strings.readingOlder : strings.older}
            </button>
          )}
          {rows.length === 0 && tail.length === 0 && <Empty />}
          {[...rows, ...tail.map((row) => renderRow(row, { state, actions }))]}
        </div>
      </div>
      {!end.isAtEnd && (
        <IconButton class="to-end" icon="down" label={strings.latest} onClick={goToEnd} />
      )}
    </div>
  )
}

interface RowContext extends Omit<ConversationProps, 'log'> {
  seenId?: string | undefined
}

function renderRow(row: Row, { state, actions, seenId }: RowContext): JSX.Element {
  const { key } = row
  switch (row.kind) {
    case 'day':
      return (
        <div key={key} class="day">
          <span>{row.text}</span>
        </div>
      )
    case 'message':
      return <MessageRow key={key} message={row.message} isSeen={row.message.id === seenId} />
    case 'reply':
      return <ReplyRow key={key} message={row.message} canRetry={row.canRetry} actions={actions} />
    case 'event':
      return (
        <p key={key} class="event">
          {toEventText(row.message, state.models)}
        </p>
      )
    case 'draft':
      return <DraftRow key={key} draft={row.draft} />
    case 'awaiting':
      return <DraftRow key={key} />
    case 'unsent': {
      const isOnline = state.connection.status === 'online'
      return <UnsentRow key={key} unsent={row.unsent} isOnline={isOnline} actions={actions} />
    }
  }
}

/** Marks the log as read while its end is visible. */
function useMarkRead(
  actions: ConversationProps['actions'],
  isAtEnd: boolean,
  lastSeq: number,
): void {
  useEffect(() => {
    const onLook = (): void => {
      if (isAtEnd && document.visibilityState === 'visible') actions.markRead()
    }
    onLook()
    document.addEventListener('visibilitychange', onLook)
    return () => document.removeEventListener('visibilitychange', onLook)
  }, [actions, isAtEnd, lastSeq])
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

interface EndOfLog {
  scroller: RefObject<HTMLDivElement | null>
  isAtEnd: boolean
  onScroll: () => void
  goToEnd: () => void
}

/**
 * Keeps the end of the log in view for readers at the end. For others, keeps the position, even
 * when older entries are inserted above.
 */
function useEndOfLog(firstKey: string, onTop: () => void): EndOfLog {
  const scroller = useRef<HTMLDivElement>(null)
  const [isAtEnd, setAtEnd] = useState(true)
  const follow = useRef(true)
  const before = useRef({ firstKey, height: 0 })

  const goToEnd = useCallback(() => {
    follow.current = true
    setAtEnd(true)
    scrollToEnd(scroller.current)
  }, [])
  const onScroll = useCallback(() => {
    const element = scroller.current
    if (!element) return
    follow.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX
    setAtEnd(follow.current)
    if (element.scrollTop < READ_OLDER_PX && !follow.current) onTop()
  }, [onTop])

  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    if (follow.current) scrollToEnd(element)
    else if (before.current.firstKey !== firstKey) {
      element.scrollTop += element.scrollHeight - before.current.height
    }
    before.current = { firstKey, height: element.scrollHeight }
  })
  useEffect(() => {
    const element = scroller.current
    if (!element) return undefined
    // The list grows when a reply is rendered late, and an on-screen keyboard shrinks the window.
    const observer = new ResizeObserver(() => {
      if (follow.current) scrollToEnd(element)
    })
    observer.observe(element)
    if (element.firstElementChild) observer.observe(element.firstElementChild)
    return () => observer.disconnect()
  }, [])
  return { scroller, isAtEnd, onScroll, goToEnd }
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element) element.scrollTop = element.scrollHeight
}
