import { LiveRegion, Logo, useLatest, useMedia } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { Chat } from './chat/chat.tsx'
import type { ConsoleClient } from './client/console-client.ts'
import type { ConsoleState, Place } from './client/console-state.ts'
import { createCommands } from './commands.ts'
import { Inbox } from './inbox/inbox.tsx'
import { Notices } from './notices.tsx'
import { Palette, useKeys } from './palette.tsx'
import { readPlace, writePlace } from './place.ts'
import { Settings } from './settings.tsx'
import { SignedOut } from './sign-in/signed-out.tsx'
import { strings } from './strings.ts'

const WIDE = '(min-width: 820px)'

interface AppProps {
  client: ConsoleClient
  baseUrl: string
}

export function App({ client, baseUrl }: AppProps): JSX.Element {
  const state = useLatest(client)
  const { status, code } = state.connection
  const isOut = useSignedOut(state)
  if (status === 'refused' || isOut) {
    return <SignedOut baseUrl={baseUrl} code={code} onRetry={() => client.connect()} />
  }
  return <Console client={client} state={state} baseUrl={baseUrl} />
}

/** Stays true while the connection tries again, so that nobody loses what they type meanwhile. */
function useSignedOut({ connection: { code }, user }: ConsoleState): boolean {
  const [isOut, setOut] = useState(false)
  const isRefused = code === 'UNAUTHORIZED' || code === 'TOKEN_EXPIRED' || code === 'FORBIDDEN'
  useEffect(() => {
    if (user !== null) setOut(false)
    else if (isRefused) setOut(true)
  }, [user, isRefused])
  return user === null && (isOut || isRefused)
}

interface ConsoleProps extends AppProps {
  state: ConsoleState
}

function Console({ client, state, baseUrl }: ConsoleProps): JSX.Element {
  const [place, go] = usePlace(client, state.user !== null)
  const [isPalette, setPalette] = useState(false)
  const commands = useMemo(
    () => createCommands({ client, state, place, go, openPalette: () => setPalette(true) }),
    [client, state, place, go],
  )
  useKeys(commands, isPalette)
  return (
    <div class="page console">
      <a class="skip" href="#chats">
        {strings.skip}
      </a>
      <Panes client={client} state={state} baseUrl={baseUrl} place={place} go={go} />
      <LiveRegion log={state.chat?.log ?? null} models={state.models} reader="operator" />
      {isPalette && <Palette commands={commands} onClose={() => setPalette(false)} />}
    </div>
  )
}

interface PanesProps extends ConsoleProps {
  place: Place
  go: (place: Place) => void
}

/** The inbox and the open chat: beside each other, or on a phone one of them. */
function Panes({ client, state, baseUrl, place, go }: PanesProps): JSX.Element {
  const isWide = useMedia(WIDE)
  const isChatShown = place.sessionId !== null
  return (
    <>
      {(isWide || !isChatShown) && (
        <aside class="side">
          <div class="brand">
            <Logo />
            <h1>{strings.title}</h1>
            <Settings baseUrl={baseUrl} user={state.user} />
          </div>
          {!isWide && <Notices client={client} state={state} />}
          <Inbox client={client} state={state} place={place} go={go} />
        </aside>
      )}
      {(isWide || isChatShown) && (
        <main class="main">
          <Notices client={client} state={state} />
          <Chat
            client={client}
            state={state}
            onBack={isWide ? undefined : () => go({ ...place, sessionId: null })}
          />
        </main>
      )}
    </>
  )
}

/** Keeps what is shown and the address the same, also when the operator goes back. */
function usePlace(client: ConsoleClient, isReady: boolean): [Place, (place: Place) => void] {
  const [place, setPlace] = useState(readPlace)
  useEffect(() => {
    const onBack = (): void => setPlace(readPlace())
    window.addEventListener('popstate', onBack)
    return () => window.removeEventListener('popstate', onBack)
  }, [])
  const { view, text, sessionId } = place
  useEffect(() => {
    if (isReady) void client.list(view, text)
  }, [client, isReady, view, text])
  useEffect(() => {
    if (!isReady) return
    if (sessionId === null) client.closeChat()
    else void client.openChat(sessionId)
  }, [client, isReady, sessionId])
  const go = useMemo(
    () =>
      (next: Place): void => {
        writePlace(next, next.sessionId !== readPlace().sessionId)
        setPlace(next)
      },
    [],
  )
  return [place, go]
}
