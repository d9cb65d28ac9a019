import { type ChatClient, type ChatState, isModelSilent } from '@chatbox/client'
import {
  Composer,
  COMPOSER_ID,
  Conversation,
  LiveRegion,
  Logo,
  UnsentRow,
  useLatest,
  useMedia,
} from '@chatbox/ui'
import type { JSX, RefObject } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { Header } from './header.tsx'
import { Notices, Refused } from './notices.tsx'
import { Drawer, SessionList } from './session-list.tsx'
import { strings } from './strings.ts'
import { WhoAnswers } from './who-answers.tsx'

const WIDE = '(min-width: 820px)'
/** Devices without an on-screen keyboard, which would cover half of the page. */
const FINE_POINTER = '(hover: hover) and (pointer: fine)'

export function App({ client }: { client: ChatClient }): JSX.Element {
  const state = useLatest(client)
  if (state.connection.status === 'refused') return <Refused client={client} state={state} />
  // The key drops everything that a former user typed and viewed.
  return <Chat key={state.formerUsers} client={client} state={state} />
}

interface ChatProps {
  client: ChatClient
  state: ChatState
}

function Chat({ client, state }: ChatProps): JSX.Element {
  const input = useRef<HTMLTextAreaElement>(null)
  const isWide = useMedia(WIDE)
  const [isOpen, setOpen] = useState(false)
  const closeDrawer = useCallback(() => setOpen(false), [])
  const { log } = state
  useSessionList(client, state, isWide || isOpen)
  usePageTitle(log?.session.name)
  useStopKey(client, isAnswering(state))
  useEffect(() => {
    if (matchMedia(FINE_POINTER).matches) input.current?.focus()
  }, [log?.session.id])

  const list = <SessionList client={client} state={state} onChoice={closeDrawer} />
  return (
    <div class="page">
      <a class="skip" href={`#${COMPOSER_ID}`}>
        {strings.skip}
      </a>
      {isWide && (
        <aside class="side">
          <p class="brand">
            <Logo />
            {strings.title}
          </p>
          {list}
        </aside>
      )}
      {!isWide && isOpen && <Drawer onClose={closeDrawer}>{list}</Drawer>}
      <main class="main">
        <Header client={client} state={state} onMenu={isWide ? undefined : () => setOpen(true)} />
        {log && <WhoAnswers client={client} session={log.session} />}
        <Notices client={client} state={state} />
        {log ? (
          <Conversation key={log.session.id} log={log} state={state} actions={client} />
        ) : (
          <Loading client={client} state={state} />
        )}
        <Foot client={client} state={state} input={input} />
      </main>
      <LiveRegion log={log} models={state.models} />
    </div>
  )
}

/** Shown until a session is open. Messages written in the meantime wait here. */
function Loading({ client, state }: ChatProps): JSX.Element {
  return (
    <div class="conversation" aria-busy="true">
      <div class="scroller">
        <div class="column">
          {state.unsent.length === 0 && <div class="loading">{strings.connecting}</div>}
          {state.unsent.map((unsent) => (
            <UnsentRow
              key={unsent.clientMessageId}
              unsent={unsent}
              isOnline={false}
              actions={client}
            />
          ))}
        </div>
      </div>
    </div>
  )
}

interface FootProps extends ChatProps {
  input: RefObject<HTMLTextAreaElement | null>
}

function Foot({ client, state, input }: FootProps): JSX.Element {
  if (state.log?.session.status === 'ended') return <Ended client={client} state={state} />
  const [typist] = state.typists
  return (
    <>
      <div class="typists">{typist ? strings.typing(typist.name) : ''}</div>
      <Composer
        actions={client}
        input={input}
        maxLength={state.contentLength}
        isAnswering={isAnswering(state)}
      />
    </>
  )
}

function Ended({ client, state }: ChatProps): JSX.Element {
  const button = useRef<HTMLButtonElement>(null)
  const last = state.log?.messages.at(-1)?.event
  const reason = last?.type === 'session_ended' ? last.reason : undefined
  useEffect(() => {
    // A user who has ended the chat by keyboard continues here.
    if (reason === 'user' && document.activeElement === document.body) button.current?.focus()
  }, [reason])
  return (
    <div class="ended">
      <span id="ended">{strings.sessionEnded}</span>
      <button
        type="button"
        class="button"
        aria-describedby="ended"
        ref={button}
        onClick={() => void client.openSession()}
      >
        {reason === 'replaced' || hasOther(state) ? strings.continueChat : strings.startChat}
      </button>
    </div>
  )
}

/** Returns true if another session of the user is active. */
function hasOther({ sessions, log }: ChatState): boolean {
  return sessions.items.some(({ id, status }) => status === 'active' && id !== log?.session.id)
}

function isAnswering({ log }: ChatState): boolean {
  return log !== null && !isModelSilent(log) && (log.drafts.length > 0 || log.awaiting !== '')
}

/** Reads the list while it is needed, and again when its content has changed. */
function useSessionList(client: ChatClient, { log, user }: ChatState, isInView: boolean): void {
  const { id, name, status } = log?.session ?? {}
  const isNeeded = isInView || status === 'ended'
  useEffect(() => {
    if (user && isNeeded) void client.listSessions()
  }, [client, user?.id, id, name, status, isNeeded])
}

function usePageTitle(name: string | undefined): void {
  useEffect(() => {
    document.title = name ? `${name} · ${strings.title}` : strings.title
  }, [name])
}

/** Stops the answer on Esc anywhere on the page. An open dialog gets the key first. */
function useStopKey(client: ChatClient, isActive: boolean): void {
  useEffect(() => {
    if (!isActive) return undefined
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || event.isComposing) return
      if (!document.querySelector('dialog[open]')) void client.stop()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [client, isActive])
}
