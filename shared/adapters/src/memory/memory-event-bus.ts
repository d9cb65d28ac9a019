import type { BusEvent } from '@chatbox/contract'
import type { AdapterHooks, EventBus, Unsubscribe } from '@chatbox/core'
import { LATER_EVENT, parseBusEvent } from '../common/live-events.ts'
import { Listeners } from '../common/listeners.ts'
import { MemoryDrafts } from './memory-drafts.ts'

export const MAX_UNDELIVERED = 10_000
const STOP = 'stop'

/**
 * The event bus of a single process. As over a network, events are encoded as JSON, checked by the
 * schema and delivered in a later turn of the event loop. What works here therefore works in a
 * cluster.
 */
export function createMemoryEventBus(hooks: AdapterHooks): EventBus {
  const sessions = new Listeners<BusEvent>(hooks)
  const stops = new Listeners<string>(hooks)
  const drafts = new MemoryDrafts()
  let undelivered = 0
  let closed = false

  function later(deliver: () => void): void {
    if (closed || undelivered >= MAX_UNDELIVERED) {
      hooks.onPublishFailed()
      return
    }
    undelivered++
    setImmediate(() => {
      undelivered--
      if (!closed) deliver()
    })
  }

  function send(sessionId: string, event: BusEvent): void {
    const text = JSON.stringify(event)
    later(() => {
      if (!sessions.has(sessionId)) return
      const arrived = parseBusEvent(text, sessionId)
      if (!arrived) hooks.onPayloadRefused('bus', { sessionId })
      else if (arrived !== LATER_EVENT) sessions.tell(sessionId, arrived)
    })
  }

  return {
    publish: async (sessionId, event) => send(sessionId, event),
    async publishDelta(delta, textSoFar) {
      if (!drafts.append(delta, textSoFar)) return 'fenced'
      send(delta.sessionId, { event: 'reply:delta', payload: delta })
      return 'published'
    },
    readDraft: async (_sessionId, replyId) => drafts.read(replyId),
    dropDraft: async (place) => void drafts.take(place),
    takeDraft: async (place) => drafts.take(place),
    subscribe: (sessionId, listener) => listen(sessions, sessionId, listener),
    publishStop: async (replyId) => later(() => stops.tell(STOP, replyId)),
    onStop: (listener) => listen(stops, STOP, listener),
    onGap() {
      // Memory has no gaps.
    },
    async close() {
      closed = true
    },
  }
}

async function listen<T>(
  listeners: Listeners<T>,
  name: string,
  listener: (value: T) => void,
): Promise<Unsubscribe> {
  const remove = listeners.add(name, listener)
  return async () => remove()
}
