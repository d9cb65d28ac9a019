import type { Desk, User } from '@chatbox/contract'
import { toShortTime } from '@chatbox/ui'
import type { JSX } from 'preact'
import type { ConsoleClient } from '../client/console-client.ts'
import type { OpenChat } from '../client/console-state.ts'
import { strings } from '../strings.ts'

interface DeskChoicesProps {
  client: Pick<ConsoleClient, 'write'>
  chat: OpenChat
  user: User | null
}

const PRIORITIES = ['low', 'normal', 'high', 'urgent'] as const
const HOUR_MS = 3_600_000
const MORNING = 9

/** Assignment, priority, tags and snooze of a chat. */
export function DeskChoices({ client, chat, user }: DeskChoicesProps): JSX.Element | null {
  const { desk, knownTags, log } = chat
  if (!desk || !user) return null
  return (
    <div class="choices">
      <Assignee client={client} desk={desk} user={user} />
      <label class="choice">
        <span>{strings.priority}</span>
        <select
          value={desk.priority}
          onChange={({ currentTarget }) => {
            const priority = PRIORITIES.find((known) => known === currentTarget.value)
            if (priority) void client.write({ type: 'prioritized', priority })
          }}
        >
          {PRIORITIES.map((priority) => (
            <option key={priority} value={priority}>
              {strings.priorities[priority]}
            </option>
          ))}
        </select>
      </label>
      <Tags client={client} desk={desk} knownTags={knownTags} />
      {log.session.status === 'active' && <Snooze client={client} desk={desk} />}
    </div>
  )
}

interface ChoiceProps extends Pick<DeskChoicesProps, 'client'> {
  desk: Desk
}

function Assignee({ client, desk, user }: ChoiceProps & { user: User }): JSX.Element {
  const isOwn = desk.assignee?.id === user.id
  const to = isOwn ? null : { id: user.id, name: user.name }
  return (
    <div class="choice">
      <span>{strings.assignee}</span>
      <span dir="auto">
        {desk.assignee ? desk.assignee.name || desk.assignee.id : strings.nobody}
      </span>
      <button
        type="button"
        class="small-button"
        onClick={() => void client.write({ type: 'assigned', to })}
      >
        {isOwn ? strings.unassign : strings.assignMe}
      </button>
    </div>
  )
}

function Tags({ client, desk, knownTags }: ChoiceProps & Pick<OpenChat, 'knownTags'>): JSX.Element {
  const tags = [...new Set([...knownTags, ...desk.tags])]
  const toggle = (tag: string): void => {
    const isSet = desk.tags.includes(tag)
    const next = isSet ? desk.tags.filter((one) => one !== tag) : [...desk.tags, tag]
    void client.write({ type: 'tagged', tags: next })
  }
  return (
    <fieldset class="choice tags">
      <legend>{strings.tags}</legend>
      {tags.length === 0 && <span class="desk-hint">{strings.noTags}</span>}
      {tags.map((tag) => (
        <button
          key={tag}
          type="button"
          class="tag"
          dir="auto"
          aria-pressed={desk.tags.includes(tag)}
          onClick={() => toggle(tag)}
        >
          {tag}
        </button>
      ))}
    </fieldset>
  )
}

function Snooze({ client, desk }: ChoiceProps): JSX.Element {
  const until = desk.snoozedUntil
  const isSnoozed = until !== null && Date.parse(until) > Date.now()
  const snooze = (to: Date | null): void =>
    void client.write({ type: 'snoozed', until: to?.toISOString() ?? null })
  return (
    <div class="choice">
      <span>
        {isSnoozed ? strings.snoozedUntil(toShortTime(until, new Date())) : strings.snooze}
      </span>
      {isSnoozed ? (
        <button type="button" class="small-button" onClick={() => snooze(null)}>
          {strings.wake}
        </button>
      ) : (
        <>
          <button
            type="button"
            class="small-button"
            onClick={() => snooze(new Date(Date.now() + HOUR_MS))}
          >
            {strings.snoozeHour}
          </button>
          <button type="button" class="small-button" onClick={() => snooze(toMorning(new Date()))}>
            {strings.snoozeDay}
          </button>
        </>
      )}
    </div>
  )
}

/** The next morning of the operator's own time zone. */
function toMorning(now: Date): Date {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, MORNING)
}
