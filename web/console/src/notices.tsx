import { Icon, LinkButton, toFailureText } from '@chatbox/ui'
import type { JSX } from 'preact'
import type { ConsoleClient } from './client/console-client.ts'
import type { ConsoleState } from './client/console-state.ts'
import { strings } from './strings.ts'

interface NoticesProps {
  client: Pick<ConsoleClient, 'connect' | 'dismissError'>
  state: Pick<ConsoleState, 'connection' | 'error' | 'user'>
}

/** Shows current problems, politely, because nothing is lost. */
export function Notices({ client, state }: NoticesProps): JSX.Element {
  const { connection, error, user } = state
  const isAway = connection.status === 'offline' && user !== null
  return (
    <div class="notices" role="status">
      {isAway && (
        <p class="notice">
          <span class="spinner" />
          <span>{strings.offline}</span>
          <LinkButton onClick={() => client.connect()}>{strings.tryNow}</LinkButton>
        </p>
      )}
      {error && !isAway && (
        <p class="notice notice-error">
          <Icon name="alert" />
          <span>{toFailureText(error, new Date())}</span>
          <LinkButton onClick={() => client.dismissError()}>{strings.dismiss}</LinkButton>
        </p>
      )}
    </div>
  )
}
