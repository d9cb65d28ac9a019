import type { InboxView } from '@chatbox/contract'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ConsoleClient } from '../client/console-client.ts'
import { type ConsoleState, type Place, VIEWS } from '../client/console-state.ts'
import { strings } from '../strings.ts'
import { ChatRow, ROW_PX } from './chat-row.tsx'
import { useWindow } from './use-window.ts'

interface InboxProps {
  client: Pick<ConsoleClient, 'listMore'>
  state: Pick<ConsoleState, 'inbox' | 'user'>
  place: Place
  go: (place: Place) => void
}

const SEARCH_DELAY_MS = 300

/** The views with their counts, and the chats of one of them. */
export function Inbox({ client, state, place, go }: InboxProps): JSX.Element {
  const { inbox } = state
  return (
    <>
      <nav class="views" aria-label={strings.inbox}>
        {VIEWS.map((view) => (
          <ViewButton
            key={view}
            view={view}
            count={inbox.counts?.[view]}
            isShown={view === place.view}
            onChoice={() => go({ view, text: '', sessionId: place.sessionId })}
          />
        ))}
      </nav>
      <Search text={place.text} onSearch={(text) => go({ ...place, text })} />
      <List client={client} state={state} place={place} go={go} />
    </>
  )
}

interface ViewButtonProps {
  view: InboxView
  count: number | undefined
  isShown: boolean
  onChoice: () => void
}

function ViewButton({ view, count, isShown, onChoice }: ViewButtonProps): JSX.Element {
  return (
    <button
      type="button"
      class={`view view-${view}`}
      aria-current={isShown ? 'page' : undefined}
      onClick={onChoice}
    >
      <span>{strings.views[view]}</span>
      {count !== undefined && <span class="view-count">{count}</span>}
    </button>
  )
}

export const SEARCH_ID = 'search'

function Search({
  text,
  onSearch,
}: {
  text: string
  onSearch: (text: string) => void
}): JSX.Element {
  const [typed, setTyped] = useState(text)
  useEffect(() => setTyped(text), [text])
  useEffect(() => {
    if (typed.trim() === text) return undefined
    const timer = setTimeout(() => onSearch(typed.trim()), SEARCH_DELAY_MS)
    return () => clearTimeout(timer)
  }, [typed])
  return (
    <label class="search">
      <span class="hidden">{strings.search}</span>
      <input
        id={SEARCH_ID}
        type="search"
        dir="auto"
        maxLength={100}
        placeholder={strings.search}
        value={typed}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      />
    </label>
  )
}

/** The height of so many rows. */
function toPx(rows: number): string {
  return `${String(rows * ROW_PX)}px`
}

/** Only the rows in sight are in the page, however long the list is. */
function List({ client, state, place, go }: InboxProps): JSX.Element {
  const { rows, next, isReading, text } = state.inbox
  const shown = useWindow(rows.length, ROW_PX)
  const isNearEnd = shown.end >= rows.length
  useEffect(() => {
    if (isNearEnd && next !== null) void client.listMore()
  }, [client, isNearEnd, next, rows.length])
  return (
    <div class="chats" id="chats" tabIndex={-1} ref={shown.scroller} onScroll={shown.onScroll}>
      {rows.length === 0 && (
        <p class="chats-empty" role="status">
          {isReading ? strings.reading : text === '' ? strings.noChats : strings.noneFound}
        </p>
      )}
      <ul
        aria-label={strings.chats}
        aria-busy={isReading}
        style={{ paddingTop: toPx(shown.start), height: toPx(rows.length) }}
      >
        {rows.slice(shown.start, shown.end).map((row, index) => (
          <ChatRow
            key={row.session.id}
            row={row}
            at={shown.start + index + 1}
            of={next === null ? rows.length : -1}
            ownId={state.user?.id}
            isOpen={row.session.id === place.sessionId}
            onOpen={() => go({ ...place, sessionId: row.session.id })}
          />
        ))}
      </ul>
    </div>
  )
}
