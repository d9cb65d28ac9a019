import type { WireEvent } from '../../environment/model-wire.ts'
import { json, type RowOptions } from './row.ts'

export function event(type: string, fields: object = {}): WireEvent {
  return json({ type, ...fields }, type)
}

export function started(usage: unknown): WireEvent {
  return event('message_start', { message: { id: 'msg_1', role: 'assistant', content: [], usage } })
}

export function block(index: number, content: object): WireEvent {
  return event('content_block_start', { index, content_block: content })
}

export function delta(index: number, fields: object): WireEvent {
  return event('content_block_delta', { index, delta: fields })
}

export function said(text: unknown, index = 0): WireEvent {
  return delta(index, { type: 'text_delta', text })
}

export function ended(reason: unknown, usage: unknown = { output_tokens: 4 }): WireEvent {
  return event('message_delta', { delta: { stop_reason: reason, stop_sequence: null }, usage })
}

export const START = started({ input_tokens: 3, output_tokens: 1 })
export const TEXT_BLOCK = block(0, { type: 'text', text: '' })
export const STOP = event('message_stop')
export const BLOCK_STOP = event('content_block_stop', { index: 0 })
export const ESTIMATED: RowOptions = { tokens: 'estimated' }
export const CUT: RowOptions = { code: 'LLM_TRUNCATED' }
export const UNAVAILABLE: RowOptions = { code: 'LLM_UNAVAILABLE' }
