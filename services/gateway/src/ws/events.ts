import type { User } from '@chatbox/contract'
import { toErrorInfo } from '@chatbox/core'
import { tooManyRequests } from '../rate-rules.ts'
import {
  answerEvent,
  refuseEvent,
  type AnswerDeps,
  type EventCall,
  type EventHandlers,
} from './ack.ts'
import type { PendingWork } from './pending-work.ts'
import type { ChatSocket } from './types.ts'

export interface EventDeps {
  answer: AnswerDeps
  handlers: EventHandlers
  who(): User
  work: PendingWork
}

/** Events of one socket that may be answered at the same time; an honest page has a few. */
const MAX_IN_FLIGHT = 64
const BUSY_RETRY_MS = 1000

/** Answers every event of a socket, whatever its name is. */
export function serveEvents(deps: EventDeps, socket: ChatSocket): void {
  let inFlight = 0
  socket.onAny((event: unknown, ...args: unknown[]) => {
    const call = toCall(socket, deps.who(), [event, ...args])
    if (inFlight >= MAX_IN_FLIGHT) {
      refuseEvent(call, toErrorInfo(tooManyRequests(BUSY_RETRY_MS)))
      return
    }
    inFlight++
    deps.work.add(
      answerEvent(deps.answer, deps.handlers, call).finally(() => {
        inFlight--
      }),
    )
  })
}

function toCall(socket: ChatSocket, who: User, packet: unknown[]): EventCall {
  const [event, ...args] = packet
  const last = args.at(-1)
  // JSON has no functions: this one is Socket.IO's own.
  const ack = isFunction(last) ? last : undefined
  return {
    who,
    event: String(event),
    args: ack ? args.slice(0, -1) : args,
    ack,
    reportError: (error) => void socket.emit('error', error),
  }
}

function isFunction(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function'
}
