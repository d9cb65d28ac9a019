import { isVisitor } from '@chatbox/client'
import type { User } from '@chatbox/contract'
import { IconButton, toShortTime } from '@chatbox/ui'
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { ConsoleClient } from '../client/console-client.ts'
import type { OpenChat } from '../client/console-state.ts'
import { strings } from '../strings.ts'
import { DeskChoices } from './desk-choices.tsx'
import { DeskLog } from './desk-log.tsx'

interface DeskPanelProps {
  client: Pick<ConsoleClient, 'write'>
  chat: OpenChat
  user: User | null
  onClose: () => void
}

/** What only the team sees: who the visitor is, and the operators' log. */
export function DeskPanel({ client, chat, user, onClose }: DeskPanelProps): JSX.Element {
  const { session } = chat.log
  return (
    <section class="desk" id="desk" aria-label={strings.details}>
      <div class="desk-top">
        <p class="desk-hint">{strings.notesHint}</p>
        <IconButton
          class="icon-button"
          icon="close"
          label={strings.closeDetails}
          onClick={onClose}
        />
      </div>
      <dl class="facts">
        <dt>{strings.visitor}</dt>
        <dd dir="auto">{session.userName || strings.visitor}</dd>
        <dd>{isVisitor({ id: session.userId }) ? strings.anonymous : `✓ ${strings.signedIn}`}</dd>
        <dd class="fact-id" dir="ltr">
          {session.userId}
        </dd>
        <dd>{toShortTime(session.startedAt, new Date())}</dd>
      </dl>
      <DeskChoices client={client} chat={chat} user={user} />
      <h3>{strings.notes}</h3>
      <DeskLog notes={chat.notes} />
      <NoteForm client={client} />
    </section>
  )
}

export const NOTE_ID = 'note'

function NoteForm({ client }: Pick<DeskPanelProps, 'client'>): JSX.Element {
  const [text, setText] = useState('')
  const [isBusy, setBusy] = useState(false)
  const add = async (): Promise<void> => {
    const note = text.trim()
    if (note === '' || isBusy) return
    setBusy(true)
    // A note that was refused stays in the box.
    if (await client.write({ type: 'note', text: note, mentions: [] })) setText('')
    setBusy(false)
  }
  return (
    <form
      class="note-form"
      onSubmit={(event) => {
        event.preventDefault()
        void add()
      }}
    >
      <label class="hidden" for={NOTE_ID}>
        {strings.note}
      </label>
      <textarea
        id={NOTE_ID}
        rows={2}
        dir="auto"
        placeholder={strings.note}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
      <button type="submit" class="small-button" aria-disabled={text.trim() === ''}>
        {strings.addNote}
      </button>
    </form>
  )
}
