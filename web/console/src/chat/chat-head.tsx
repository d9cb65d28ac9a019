import type { Session } from '@chatbox/contract'
import { Icon } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { ConsoleClient } from '../client/console-client.ts'
import { strings } from '../strings.ts'

interface ChatHeadProps {
  client: Pick<ConsoleClient, 'takeOver' | 'handBack' | 'endChat'>
  session: Session
  ownId: string | undefined
}

/** Says by a word and an icon who answers, and has one button for the next step. */
export function ChatHead({ client, session, ownId }: ChatHeadProps): JSX.Element {
  return (
    <>
      <div class="header-title chat-title">
        <h2 dir="auto">{session.userName || strings.visitor}</h2>
        <p class="who" dir="auto" data-testid="who">
          <Icon name={session.assistedBy ? 'person' : 'assistant'} />
          {toText(session, ownId)}
        </p>
      </div>
      {session.status === 'active' && <Actions client={client} session={session} ownId={ownId} />}
    </>
  )
}

function toText({ assistedBy, help, status }: Session, ownId: string | undefined): string {
  if (status === 'ended') return strings.sessionEnded
  if (assistedBy) {
    return assistedBy.id === ownId ? strings.withYou : strings.withOther(assistedBy.name)
  }
  return help ? `${strings.asksForHelp} ${help.note}`.trim() : strings.withAssistant
}

function Actions({ client, session, ownId }: ChatHeadProps): JSX.Element {
  const { assistedBy } = session
  const [isBusy, setBusy] = useState(false)
  const [isEnding, setEnding] = useState(false)
  useEffect(() => setEnding(false), [session.id, assistedBy?.id])
  const once = (action: () => Promise<void>) => async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    await action().finally(() => setBusy(false))
  }
  if (isEnding) {
    return (
      <div class="actions" role="group" aria-label={strings.endConfirm}>
        <span class="actions-ask">{strings.endConfirm}</span>
        <Action text={strings.endChat} onClick={once(() => client.endChat())} isDanger />
        <Action text={strings.keepChat} onClick={async () => setEnding(false)} />
      </div>
    )
  }
  return (
    <div class="actions">
      {!assistedBy && (
        <Action text={strings.takeOver} onClick={once(() => client.takeOver())} isMain />
      )}
      {assistedBy && assistedBy.id !== ownId && (
        <Action
          text={strings.takeFrom(assistedBy.name)}
          onClick={once(() => client.takeOver(assistedBy.id))}
        />
      )}
      {assistedBy?.id === ownId && (
        <Action text={strings.handBack} onClick={once(() => client.handBack())} isMain />
      )}
      <Action text={strings.endChat} onClick={async () => setEnding(true)} />
    </div>
  )
}

interface ActionProps {
  text: string
  onClick: () => Promise<void>
  isMain?: boolean
  isDanger?: boolean
}

function Action({ text, onClick, isMain, isDanger }: ActionProps): JSX.Element {
  const kind = isMain ? 'button button-small' : 'small-button'
  return (
    <button
      type="button"
      class={`${kind} ${isDanger ? 'small-button-danger' : ''}`}
      onClick={() => void onClick()}
    >
      {text}
    </button>
  )
}
