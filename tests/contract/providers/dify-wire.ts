import type { WireEvent } from '../../environment/model-wire.ts'
import { json, type RowOptions } from './row.ts'

export const IDS = { task_id: 'task-1', message_id: 'message-1', conversation_id: 'conversation-1' }

export function event(kind: string, fields: object = {}): WireEvent {
  return json({ event: kind, ...IDS, ...fields })
}

export function said(answer: unknown): WireEvent {
  return event('message', { answer })
}

export function replaced(answer: unknown): WireEvent {
  return event('message_replace', { answer, reason: 'output_moderation' })
}

export function counted(usage: unknown): WireEvent[] {
  return [said('Hi'), event('message_end', { metadata: { usage } })]
}

export const END = event('message_end', { metadata: {} })
export const ESTIMATED: RowOptions = { tokens: 'estimated' }
export const CUT: RowOptions = { code: 'LLM_TRUNCATED' }
export const UNAVAILABLE: RowOptions = { code: 'LLM_UNAVAILABLE' }
