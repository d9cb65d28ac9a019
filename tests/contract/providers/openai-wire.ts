import type { WireEvent } from '../../environment/model-wire.ts'
import { DONE, json, type RowOptions } from './row.ts'

const HEAD = { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'm' }

export function chunk(fields: object): WireEvent {
  return json({ ...HEAD, ...fields })
}

export function choice(fields: object): WireEvent {
  return chunk({ choices: [{ index: 0, ...fields }] })
}

export function said(content: unknown): WireEvent {
  return choice({ delta: { content }, finish_reason: null })
}

export function ended(reason: unknown): WireEvent {
  return choice({ delta: {}, finish_reason: reason })
}

export function counted(usage: unknown): WireEvent {
  return chunk({ choices: [], usage })
}

/** A whole reply with one event more. */
export function withEvent(event: WireEvent): WireEvent[] {
  return [said('Hi'), event, said(' there.'), ended('stop'), DONE]
}

export const ROLE = choice({ delta: { role: 'assistant', content: '' }, finish_reason: null })
export const ESTIMATED: RowOptions = { tokens: 'estimated' }
export const CUT: RowOptions = { code: 'LLM_TRUNCATED' }
export const UNAVAILABLE: RowOptions = { code: 'LLM_UNAVAILABLE' }
