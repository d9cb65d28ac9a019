import { COMPOSER_ID } from '@chatbox/ui'
import { NOTE_ID } from './chat/desk-panel.tsx'
import type { ConsoleClient } from './client/console-client.ts'
import { type ConsoleState, type Place, VIEWS } from './client/console-state.ts'
import { SEARCH_ID } from './inbox/inbox.tsx'
import { strings } from './strings.ts'

export interface Command {
  name: string
  /** A single key, in lower case. */
  key?: string
  run: () => void
}

interface Parts {
  client: ConsoleClient
  state: ConsoleState
  place: Place
  go: (place: Place) => void
  openPalette: () => void
}

/** What an operator may do now, for the palette and for single keys. */
export function createCommands({ client, state, place, go, openPalette }: Parts): Command[] {
  return [
    ...toChatCommands(client, state),
    { name: strings.nextChat, key: 'j', run: () => step(state, place, { go, by: 1 }) },
    { name: strings.previousChat, key: 'k', run: () => step(state, place, { go, by: -1 }) },
    { name: strings.goSearch, key: '/', run: () => focus(SEARCH_ID) },
    { name: strings.shortcuts, key: '?', run: openPalette },
    ...VIEWS.map((view) => ({
      name: `${strings.inbox}: ${strings.views[view]}`,
      run: () => go({ ...place, view, text: '' }),
    })),
  ]
}

function toChatCommands(client: ConsoleClient, { chat, user }: ConsoleState): Command[] {
  const session = chat?.log.session
  if (!session) return []
  const { assistedBy, status } = session
  const note = { name: strings.note, key: 'n', run: () => focus(NOTE_ID) }
  if (status === 'ended') return [note]
  if (assistedBy?.id === user?.id) {
    return [
      { name: strings.handBack, key: 'h', run: () => void client.handBack() },
      { name: strings.placeholder, key: 'r', run: () => focus(COMPOSER_ID) },
      note,
    ]
  }
  if (assistedBy) {
    const { id, name } = assistedBy
    return [{ name: strings.takeFrom(name), run: () => void client.takeOver(id) }, note]
  }
  return [{ name: strings.takeOver, key: 't', run: () => void client.takeOver() }, note]
}

/** Opens the chat above or below the open one. */
function step(
  { inbox }: ConsoleState,
  place: Place,
  { go, by }: { go: Parts['go']; by: number },
): void {
  const at = inbox.rows.findIndex(({ session }) => session.id === place.sessionId)
  const next = inbox.rows[at === -1 ? 0 : at + by]
  if (next) go({ ...place, sessionId: next.session.id })
}

function focus(id: string): void {
  document.getElementById(id)?.focus()
}
