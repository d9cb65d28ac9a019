import { isModelSilent } from '@chatbox/client'
import { Composer, Conversation, IconButton, Logo } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ConsoleClient } from '../client/console-client.ts'
import type { ConsoleState, OpenChat } from '../client/console-state.ts'
import { strings } from '../strings.ts'
import { ChatHead } from './chat-head.tsx'
import { DeskPanel } from './desk-panel.tsx'

interface ChatProps {
  client: ConsoleClient
  state: ConsoleState
  /** Undefined where the inbox is always in view. */
  onBack: (() => void) | undefined
}

/** The open chat: who has it, what was said, and the operators' log beside it. */
export function Chat({ client, state, onBack }: ChatProps): JSX.Element {
  const { chat, opening } = state
  if (!chat) {
    return (
      <div class="nothing" aria-busy={opening !== null}>
        {onBack && <BackButton onBack={onBack} />}
        <Logo />
        <p>{opening === null ? strings.choose : strings.reading}</p>
      </div>
    )
  }
  const { id } = chat.log.session
  return <OpenedChat key={id} client={client} state={state} chat={chat} onBack={onBack} />
}

interface OpenedChatProps extends ChatProps {
  chat: OpenChat
}

function OpenedChat({ client, state, chat, onBack }: OpenedChatProps): JSX.Element {
  const { log } = chat
  const [isPanel, setPanel] = useState(() => matchMedia('(min-width: 1180px)').matches)
  const shown = { ...chat, connection: state.connection, models: state.models, user: state.user }
  return (
    <div class="chat">
      <header class="header chat-header">
        {onBack && <BackButton onBack={onBack} />}
        <ChatHead client={client} session={log.session} ownId={state.user?.id} />
        <button
          type="button"
          class="small-button"
          aria-expanded={isPanel}
          aria-controls="desk"
          onClick={() => setPanel(!isPanel)}
        >
          {strings.details}
        </button>
      </header>
      <div class="chat-body">
        <div class="chat-log">
          <Conversation
            key={log.session.id}
            log={log}
            state={shown}
            actions={client}
            reader="operator"
          />
          <Foot client={client} state={state} chat={chat} />
        </div>
        {isPanel && (
          <DeskPanel
            client={client}
            chat={chat}
            user={state.user}
            onClose={() => setPanel(false)}
          />
        )}
      </div>
    </div>
  )
}

function BackButton({ onBack }: { onBack: () => void }): JSX.Element {
  return <IconButton class="icon-button back" icon="back" label={strings.back} onClick={onBack} />
}

function Foot({ client, state, chat }: Omit<OpenedChatProps, 'onBack'>): JSX.Element {
  const input = useRef<HTMLTextAreaElement>(null)
  const { session } = chat.log
  const isOwn = session.assistedBy !== null && session.assistedBy.id === state.user?.id
  useEffect(() => {
    if (isOwn) input.current?.focus()
  }, [isOwn])
  if (session.status === 'ended') return <p class="ended">{strings.sessionEnded}</p>
  if (!isOwn) return <p class="ended">{strings.notYours}</p>
  const [typist] = chat.typists
  return (
    <>
      <div class="typists">{typist ? strings.typing(typist.name) : ''}</div>
      <Composer
        actions={client}
        input={input}
        maxLength={state.contentLength}
        isAnswering={!isModelSilent(chat.log) && chat.log.drafts.length > 0}
      />
    </>
  )
}
