import {
  deskEntrySchema,
  deskSchema,
  EMPTY_DESK,
  keepUnknown,
  type DeskEntry,
} from '@chatbox/contract'
import type { DeskState, DraftKey } from '@chatbox/core'
import { z } from 'zod'
import { openJson, sealJson, toContext, type RecordDeps } from './key-ring.ts'
import { checkFormat } from './message-record.ts'

/** The head of an operators' log at rest. `sealed` contains all of it. */
export interface DeskRecord {
  seq: number
  sealed: string
}

/** An entry at rest. `sealed` contains all of it, also ids of operators and tags. */
export interface DeskEntryRecord {
  id: string
  sessionId: string
  seq: number
  sealed: string
}

export type StoredDeskEntry = Omit<DeskEntryRecord, 'sealed'> & { sealed: unknown }

const stateSchema = keepUnknown(deskSchema.extend({ snoozedTexts: z.int().min(0).exactOptional() }))
const recordSchema = z.object({ seq: z.int().min(1), sealed: z.string() })

export function toDeskRecord(deps: RecordDeps, sessionId: string, state: DeskState): DeskRecord {
  checkFormat(stateSchema, state)
  const { seq } = state
  return { seq, sealed: sealJson(deps, state, toStateContext(sessionId, seq)) }
}

/**
 * Returns the stored head, or an empty desk if nothing is stored. One that cannot be decrypted is
 * empty but for its `seq`, so that the log continues.
 */
export function toDeskState(deps: RecordDeps, sessionId: string, stored: unknown): DeskState {
  if (stored === undefined || stored === null) return EMPTY_DESK
  const record = recordSchema.safeParse(stored)
  const { seq, sealed } = record.data ?? EMPTY_RECORD
  const state = stateSchema.safeParse(openJson(deps, sealed, toStateContext(sessionId, seq)))
  if (state.success && state.data.seq === seq) return state.data
  deps.hooks.onPayloadRefused('desk', { sessionId })
  return { ...EMPTY_DESK, seq }
}

const EMPTY_RECORD: DeskRecord = { seq: 0, sealed: '' }

export function toDeskEntryRecord(deps: RecordDeps, entry: DeskEntry): DeskEntryRecord {
  checkFormat(deskEntrySchema, entry)
  const { id, sessionId, seq } = entry
  return { id, sessionId, seq, sealed: sealJson(deps, entry, toEntryContext(entry)) }
}

/** Returns the entry, or a substitute for one that cannot be read. */
export function toDeskEntry(deps: RecordDeps, stored: StoredDeskEntry): DeskEntry {
  const opened = deskEntrySchema.safeParse(openJson(deps, stored.sealed, toEntryContext(stored)))
  if (opened.success && opened.data.seq === stored.seq) return opened.data
  const { id, sessionId, seq } = stored
  deps.hooks.onPayloadRefused('desk-entry', { sessionId, entryId: id })
  return { ...UNREADABLE, id, sessionId, seq }
}

const UNREADABLE = {
  by: { id: 'unknown', name: '' },
  at: new Date(0).toISOString(),
  action: { type: 'unknown' },
} satisfies Partial<DeskEntry>

/** The length of the text in an entry, for pages with a limited text. */
export function toTextLength({ action }: DeskEntry): number {
  return 'text' in action ? action.text.length : 0
}

export function sealDraft(deps: RecordDeps, key: DraftKey, text: string): string {
  checkFormat(draftSchema, { text })
  return sealJson(deps, { text }, toDraftContext(key))
}

export function openDraft(deps: RecordDeps, key: DraftKey, sealed: unknown): string {
  if (sealed === undefined) return ''
  const draft = draftSchema.safeParse(openJson(deps, sealed, toDraftContext(key)))
  if (draft.success) return draft.data.text
  deps.hooks.onPayloadRefused('desk-draft', { sessionId: key.sessionId })
  return ''
}

const draftSchema = z.object({ text: z.string() })

function toStateContext(sessionId: string, seq: number): string {
  return toContext('desk', sessionId, `${seq}`)
}

function toEntryContext({ id, sessionId }: Pick<StoredDeskEntry, 'id' | 'sessionId'>): string {
  return toContext('desk-entry', sessionId, id)
}

/** The operator's id comes last, because it may contain a slash. */
function toDraftContext({ sessionId, operatorId }: DraftKey): string {
  return toContext('desk-draft', sessionId, operatorId)
}
