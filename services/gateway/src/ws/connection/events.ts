import { toErrorInfo } from '@chatbox/core'
import { tooManyRequests } from '../../edge/rate-rules.ts'
import {
  answerEvent,
  refuseEvent,
  type AnswerDeps,
  type EventCall,
  type EventHandlers,
} from './ack.ts'
import type { Connection } from './connection.ts'
import type { PendingWork } from '../engine/pending-work.ts'

export interface EventDeps {
  answer: AnswerDeps
  handlers: EventHandlers
  work: PendingWork
}

/** Events of one socket that may be answered at the same time; an honest page has a few. */
const MAX_IN_FLIGHT = 64
const BUSY_RETRY_MS = 1000

/** Answers every event of a connection, whatever its name is. */
export function serveEvents(deps: EventDeps, connection: Connection): void {
  connection.socket.onAny((...packet: unknown[]) => serveEvent(deps, connection, packet))
}

function serveEvent(deps: EventDeps, connection: Connection, packet: unknown[]): void {
  const call = toCall(connection, packet)
  if (connection.inFlight >= MAX_IN_FLIGHT) {
    refuseEvent(call, toErrorInfo(tooManyRequests(BUSY_RETRY_MS)))
    return
  }
  connection.inFlight++
  deps.work.add(
    answerEvent(deps.answer, deps.handlers, call).finally(() => {
      connection.inFlight--
    }),
  )
}

function toCall(connection: Connection, packet: unknown[]): EventCall {
  const [event, ...args] = packet
  const last = args.at(-1)
  // JSON has no functions: this one is Socket.IO's own.
  const ack = isFunction(last) ? last : undefined
  return {
    caller: connection,
    event: String(event),
    args: ack ? args.slice(0, -1) : args,
    ack,
    reportError: (error) => void connection.socket.emit('error', error),
  }
}

function isFunction(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function'
}
