import {
  PRIORITIES,
  tagSchema,
  type Desk,
  type DeskAction,
  type DeskEntry,
} from '@chatbox/contract'
import { AppError } from '../errors.ts'

/**
 * The state of an operators' log after one entry. The object keeps what a later version added, in
 * fields that this type does not name, so derive a new state from the previous one.
 */
export interface DeskState extends Desk {
  /** The number of the user's messages when the session was snoozed. */
  snoozedTexts?: number
}

/** What the rules of an operators' log need to know of its session. */
export interface DeskSession {
  status: string
  /** The number of the user's messages. */
  userTexts: number
}

/** The end of an operators' log, and its session at that time. */
export interface DeskHead {
  state: DeskState
  session: DeskSession
}

/** An entry to append. The log assigns its `seq`. */
export type NewDeskEntry = Omit<DeskEntry, 'seq'>

export interface PlacedDeskEntry {
  entry: DeskEntry
  state: DeskState
}

/**
 * Returns the entry placed after `head`, and the state after it. An ended session takes all but a
 * snooze, which throws `SESSION_ENDED`; one until a time that is over throws `INVALID_FORMAT`.
 */
export function placeDeskEntry(
  { state, session }: DeskHead,
  newEntry: NewDeskEntry,
): PlacedDeskEntry {
  const entry: DeskEntry = { ...newEntry, seq: state.seq + 1 }
  const after = { ...state, seq: entry.seq }
  return { entry, state: change(after, entry, session) }
}

function change(state: DeskState, { action, at }: DeskEntry, session: DeskSession): DeskState {
  switch (action.type) {
    case 'assigned':
      return { ...state, assignee: action.to }
    case 'tagged':
      return { ...state, tags: [...new Set(action.tags)] }
    case 'prioritized':
      return { ...state, priority: action.priority }
    case 'snoozed':
      return snooze(state, toWakeTime(action, at, session), session)
    case 'note':
    case 'summary':
    case 'draft_used':
    case 'unknown':
      return state
  }
}

function snooze(state: DeskState, until: string | null, { userTexts }: DeskSession): DeskState {
  const { snoozedTexts, ...rest } = state
  return until === null
    ? { ...rest, snoozedUntil: null }
    : { ...rest, snoozedUntil: until, snoozedTexts: userTexts }
}

function toWakeTime(
  { until }: Extract<DeskAction, { type: 'snoozed' }>,
  at: string,
  { status }: DeskSession,
): string | null {
  if (until === null) return null
  if (status !== 'active') throw new AppError('SESSION_ENDED', 'This session has ended.')
  if (Date.parse(until) <= Date.parse(at)) {
    throw new AppError('INVALID_FORMAT', 'Field "action.until": is not in the future.')
  }
  return until
}

/**
 * Builds the wire form of a desk. A snooze ends with the next message of the user, and a time that
 * is over counts for nothing: see `isSnoozed`. Copies field by field, because not everybody may see
 * what a later version added.
 */
export function toDesk(state: DeskState, { userTexts }: Pick<DeskSession, 'userTexts'>): Desk {
  const { seq, assignee, tags, snoozedUntil, snoozedTexts = 0 } = state
  return {
    seq,
    assignee: assignee && { id: assignee.id, name: assignee.name },
    tags: [...tags],
    priority: PRIORITIES.find((known) => known === state.priority) ?? 'normal',
    snoozedUntil: userTexts > snoozedTexts ? null : snoozedUntil,
  }
}

/** Returns whether a text may be a tag. */
export function isTag(text: string): boolean {
  return tagSchema.safeParse(text).success
}

/** Returns whether a session is put off at `now`. */
export function isSnoozed({ snoozedUntil }: Pick<Desk, 'snoozedUntil'>, now: Date): boolean {
  return snoozedUntil !== null && Date.parse(snoozedUntil) > now.getTime()
}
