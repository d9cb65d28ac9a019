import type { DeskEntry } from '@chatbox/contract'
import { toShortTime } from '@chatbox/ui'
import type { JSX } from 'preact'
import { strings } from '../strings.ts'

/** What operators wrote and did about a chat, oldest first. */
export function DeskLog({ notes }: { notes: readonly DeskEntry[] }): JSX.Element {
  if (notes.length === 0) return <p class="desk-hint">{strings.noNotes}</p>
  return (
    <ol class="desk-log" aria-live="polite">
      {notes.map((entry) => (
        <li key={entry.id} class={entry.action.type === 'note' ? 'desk-note' : undefined}>
          <p class="desk-by" dir="auto">
            {entry.by.name || entry.by.id}{' '}
            <time dateTime={entry.at}>{toShortTime(entry.at, new Date())}</time>
          </p>
          <p dir="auto">{toText(entry)}</p>
        </li>
      ))}
    </ol>
  )
}

function toText({ action }: DeskEntry): string {
  switch (action.type) {
    case 'note':
      return action.text
    case 'summary':
      return `${strings.summary}: ${action.text}`
    case 'assigned':
      return action.to ? strings.assigned(action.to.name || action.to.id) : strings.unassigned
    case 'tagged':
      return strings.tagged(action.tags.join(', '))
    case 'prioritized':
      return strings.prioritized(strings.priorities[action.priority])
    case 'snoozed':
      return action.until === null
        ? strings.woke
        : strings.snoozedEntry(toShortTime(action.until, new Date()))
    case 'draft_used':
    case 'unknown':
      return strings.unknownNote
  }
}
