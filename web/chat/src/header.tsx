import type { ChatClient, ChatState } from '@chatbox/client'
import { IconButton } from '@chatbox/ui'
import type { JSX } from 'preact'
import { strings } from './strings.ts'

interface HeaderProps {
  client: ChatClient
  state: ChatState
  /** Undefined if the list of sessions is always visible. */
  onMenu: (() => void) | undefined
}

export function Header({ client, state, onMenu }: HeaderProps): JSX.Element {
  const { log, connection } = state
  const { name = '' } = log?.session ?? {}
  const isOnline = connection.status === 'online' || connection.status === 'draining'
  const status = isOnline ? strings.online : strings.connecting
  return (
    <header class="header">
      {onMenu && (
        <IconButton
          class="icon-button header-menu"
          icon="menu"
          label={strings.openChats}
          aria-haspopup="dialog"
          onClick={onMenu}
        />
      )}
      <div class="header-title">
        <h1 dir="auto">{name === '' ? strings.title : name}</h1>
        <span class={`dot ${isOnline ? 'dot-online' : ''}`} title={status} />
        <span class="hidden">{status}</span>
      </div>
      <ModelChoice client={client} state={state} />
      {onMenu && (
        <IconButton
          class="icon-button header-new"
          icon="plus"
          label={strings.newChat}
          onClick={() => void client.newSession()}
        />
      )}
    </header>
  )
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
          <option key={id} value={id} dir="auto">
            {name}
          </option>
        ))}
      </select>
    </label>
  )
}
