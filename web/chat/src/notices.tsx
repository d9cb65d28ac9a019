import type { ChatClient, ChatState } from '@chatbox/client'
import { Icon, LinkButton, Logo, toFailureText } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { strings } from './strings.ts'

/** Short gaps are not shown, for example when the server moves this page to another one. */
const PATIENCE_MS = 1500

interface NoticesProps {
  client: ChatClient
  state: ChatState
}

/** Shows current problems. They are announced politely because no message is lost. */
export function Notices({ client, state }: NoticesProps): JSX.Element {
  const { status } = state.connection
  const isAway = useLasting(status === 'offline' || status === 'connecting', PATIENCE_MS)
  return (
    <div class="notices" role="status">
      {isAway && (
        <p class="notice">
          <span class="spinner" />
          <span>{toAwayText(state)}</span>
          <LinkButton onClick={() => client.connect()}>{strings.tryNow}</LinkButton>
        </p>
      )}
      {state.error && !isAway && (
        <p class="notice notice-error">
          <Icon name="alert" />
          <span>{toFailureText(state.error, new Date())}</span>
          <LinkButton onClick={() => client.dismissError()}>{strings.dismiss}</LinkButton>
        </p>
      )}
    </div>
  )
}

function toAwayText({ connection: { status, code } }: ChatState): string {
  if (status !== 'offline') return strings.reconnecting
  return code === 'TOO_MANY_REQUESTS' ? strings.tooMuch : strings.offline
}

/** Replaces the page if the server rejects the user. */
export function Refused({ client, state }: NoticesProps): JSX.Element {
  const isVisitor = state.connection.code === 'FORBIDDEN'
  return (
    <main class="refused">
      <Logo />
      <h1>{isVisitor ? strings.signInTitle : strings.refusedTitle}</h1>
      <p>{isVisitor ? strings.signInText : strings.refusedText}</p>
      <button type="button" class="button" onClick={() => client.connect()}>
        {strings.retry}
      </button>
    </main>
  )
}

/** Returns true when `value` has been true for `delayMs`. */
function useLasting(value: boolean, delayMs: number): boolean {
  const [lasting, setLasting] = useState(false)
  useEffect(() => {
    if (!value) {
      setLasting(false)
      return undefined
    }
    const timer = setTimeout(() => setLasting(true), delayMs)
    return () => clearTimeout(timer)
  }, [value, delayMs])
  return lasting
}
