import type { ChatClient, ChatState } from '@chatbox/client'
import { Icon, LinkButton, Logo } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { strings } from './strings.ts'

/** A short gap, such as when the server moves this page elsewhere, is nobody's concern. */
const PATIENCE_MS = 1500

interface NoticesProps {
  client: ChatClient
  state: ChatState
}

/** What is wrong now: announced politely, because nothing that was written is lost. */
export function Notices({ client, state }: NoticesProps): JSX.Element {
  const { status } = state.connection
  const isAway = useLasting(status === 'offline' || status === 'connecting', PATIENCE_MS)
  return (
    <div class="notices" role="status">
      {isAway && (
        <p class="notice">
          <span class="spinner" />
          <span>{status === 'offline' ? strings.offline : strings.reconnecting}</span>
          <LinkButton onClick={() => client.connect()}>{strings.tryNow}</LinkButton>
        </p>
      )}
      {state.error && !isAway && (
        <p class="notice notice-error">
          <Icon name="alert" />
          <span>{state.error.message}</span>
          <LinkButton onClick={() => client.dismissError()}>{strings.dismiss}</LinkButton>
        </p>
      )}
    </div>
  )
}

/** Shown instead of everything else where the server does not let this user in. */
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

/** True once `value` has been true for a while. */
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
