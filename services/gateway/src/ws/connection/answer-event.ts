import {
  CLIENT_EVENTS,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type ErrorInfo,
} from '@chatbox/contract'
import { AppError, checkAdmitted, toAppError, toErrorInfo } from '@chatbox/core'
import { withRequestId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import { answerInTime, parseInput, type InputSchema } from '../../edge/calls.ts'
import { tooManyRequests } from '../../edge/rate-guard.ts'
import type { Caller } from '../../usecases/caller.ts'
import type { EventHandlers } from './handlers.ts'
import type { ServedSocket } from './served-socket.ts'

/** Events of one socket that may be answered at the same time; an honest page has a few. */
const MAX_IN_FLIGHT = 64
const BUSY_RETRY_MS = 1000

/** One event as it came in, and the two ways to answer it. */
interface EventCall {
  caller: Caller
  event: string
  /** Without the acknowledgement. */
  args: unknown[]
  /** Undefined where the client asked for none. */
  ack: ((answer: unknown) => void) | undefined
  /** Reports an error that no acknowledgement can carry. */
  reportError(error: ErrorInfo): void
}

/** Answers every event of a connection, whatever its name is. */
export function serveEvents(context: Context, handlers: EventHandlers, served: ServedSocket): void {
  served.socket.onAny((...packet: unknown[]) => {
    const call = toCall(served, packet)
    if (served.inFlight >= MAX_IN_FLIGHT) {
      refuseEvent(call, toErrorInfo(tooManyRequests(BUSY_RETRY_MS)))
      return
    }
    served.inFlight++
    context.work.add(
      answerEvent(context, handlers, call).finally(() => {
        served.inFlight--
      }),
    )
  })
}

function toCall(served: ServedSocket, packet: unknown[]): EventCall {
  const [event, ...args] = packet
  const last = args.at(-1)
  // JSON has no functions: this one is Socket.IO's own.
  const ack = isFunction(last) ? last : undefined
  return {
    caller: served,
    event: String(event),
    args: ack ? args.slice(0, -1) : args,
    ack,
    reportError: (error) => void served.socket.emit('error', error),
  }
}

function isFunction(value: unknown): value is (answer: unknown) => void {
  return typeof value === 'function'
}

/**
 * Answers one event exactly once. The only place that parses payloads, takes the rate limit and
 * turns what was thrown into an error of the wire; never rejects.
 */
export async function answerEvent(
  context: Context,
  handlers: EventHandlers,
  call: EventCall,
): Promise<void> {
  const requestId = context.clock.newId()
  const startedAt = performance.now()
  const event = isClientEvent(call.event) ? call.event : undefined
  const outcome = await withRequestId(requestId, async () => {
    try {
      const data = await answerInTime(runEvent(context, handlers, { ...call, event }))
      call.ack?.({ ok: true, data })
      return 'ok'
    } catch (thrown) {
      const error = toAppError(thrown)
      logError(context, error, call.event)
      refuseEvent(call, toErrorInfo(error, requestId))
      return error.code
    }
  })
  const seconds = (performance.now() - startedAt) / 1000
  context.metrics.eventAnswered(event ?? 'unknown', outcome, seconds)
}

/** The answer to an event that failed, or was not even looked at. */
function refuseEvent(call: EventCall, error: ErrorInfo): void {
  if (call.ack) call.ack({ ok: false, error })
  else call.reportError(error)
}

type PayloadSchemas = { [E in ClientEvent]: { payload: InputSchema<ClientPayload<E>> } }
const SCHEMAS: PayloadSchemas = CLIENT_EVENTS

type KnownCall<E extends ClientEvent> = Omit<EventCall, 'event'> & { event: E | undefined }

async function runEvent<E extends ClientEvent>(
  context: Context,
  handlers: EventHandlers,
  { event, caller, args }: KnownCall<E>,
): Promise<ClientData<E>> {
  // An event that is not served costs as well, or it would be the cheap way to keep us busy.
  const cost = event === undefined ? 'signal' : CLIENT_EVENTS[event].cost
  await context.guard.take(cost, caller.user.id)
  if (event === undefined) throw new AppError('INVALID_FORMAT', 'There is no such event.')
  checkAdmitted(CLIENT_EVENTS[event].who, caller.user)
  if (args.length > 1) throw new AppError('INVALID_FORMAT', 'An event takes one payload.')
  return await handlers[event](caller, parseInput(SCHEMAS[event].payload, args[0]))
}

function isClientEvent(event: string): event is ClientEvent {
  return Object.hasOwn(CLIENT_EVENTS, event)
}

function logError({ logger }: Context, error: AppError, event: string): void {
  if (error.code === 'INTERNAL') logger.error({ err: error, event }, 'event failed')
  else if (error.code === 'UNAVAILABLE') logger.warn({ err: error, event }, 'event not served')
}
