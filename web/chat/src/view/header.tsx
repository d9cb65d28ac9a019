import type { ChatClient, ChatState } from '@chatbox/client'
import type { JSX } from 'preact'
import { strings } from '../strings.ts'
import { Icon } from './icons.tsx'

interface HeaderProps {
  client: ChatClient
  state: ChatState
  /** Undefined where the list of sessions is always in view. */
  onMenu: (() => void) | undefined
}

export function Header({ client, state, onMenu }: HeaderProps): JSX.Element {
  const { log, connection } = state
  const isOnline = connection.status === 'online' || connection.status === 'draining'
  const status = isOnline ? strings.online : strings.connecting
  return (
    <header class="header">
      {onMenu && (
        <button
          type="button"
          class="icon-button header-menu"
          aria-label={strings.openChats}
          aria-haspopup="dialog"
          onClick={onMenu}
        >
          <Icon name="menu" />
        </button>
      )}
      <div class="header-title">
        <h1>{toTitle(log?.session.name)}</h1>
        <span class={`dot ${isOnline ? 'dot-online' : ''}`} title={status} />
        <span class="hidden">{status}</span>
      </div>
      <ModelChoice client={client} state={state} />
      {onMenu && (
        <button
          type="button"
          class="icon-button header-new"
          aria-label={strings.newChat}
          onClick={() => void client.newSession()}
        >
          <Icon name="plus" />
        </button>
      )}
    </header>
  )
}

/** The session's name once it has one. */
function toTitle(name = ''): string {
  return name === '' ? strings.title : name
}

function ModelChoice({ client, state }: Omit<HeaderProps, 'onMenu'>): JSX.Element | null {
  const session = state.log?.session
  if (!session || state.models.length < 2) return null
  return (
    <label class="model">
      <span class="hidden">{strings.model}</span>
      <select
        value={session.modelId}
        disabled={session.status === 'ended'}
        onChange={({ currentTarget }) => void client.selectModel(currentTarget.value)}
      >
        {state.models.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
