import type { ChatClient } from '@chatbox/client'
import type { Session } from '@chatbox/contract'
import { Icon, LinkButton } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { strings } from './strings.ts'

interface WhoAnswersProps {
  client: Pick<ChatClient, 'requestHelp' | 'cancelHelp'>
  session: Session
}

/**
 * Says by a word and an icon whether an assistant or a person answers, at each moment of a chat, and
 * asks for a person in one step.
 */
export function WhoAnswers({ client, session }: WhoAnswersProps): JSX.Element | null {
  const { assistedBy, help, status } = session
  if (status === 'ended') return null
  return (
    <section class="answers" aria-label={strings.answering}>
      <p class="answers-who" dir="auto">
        <Icon name={assistedBy ? 'person' : 'assistant'} />
        <span>{toText(session)}</span>
      </p>
      {!assistedBy && <Ask client={client} isAsked={help !== null} />}
    </section>
  )
}

function toText({ assistedBy, help }: Session): string {
  if (assistedBy) return strings.byPerson(assistedBy.name)
  return help ? strings.helpAsked : strings.byAssistant
}

interface AskProps extends Pick<WhoAnswersProps, 'client'> {
  isAsked: boolean
}

function Ask({ client, isAsked }: AskProps): JSX.Element {
  const [isBusy, setBusy] = useState(false)
  const ask = async (): Promise<void> => {
    if (isBusy) return
    setBusy(true)
    await (isAsked ? client.cancelHelp() : client.requestHelp())
    setBusy(false)
  }
  return (
    <LinkButton onClick={() => void ask()}>
      {isAsked ? strings.cancelHelp : strings.askForPerson}
    </LinkButton>
  )
}
