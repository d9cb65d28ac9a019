import {
  CLIENT_EVENTS,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type ErrorCode,
  type ErrorInfo,
} from '@chatbox/contract'
import { AppError, checkAdmitted, isOperator, toAppError, toErrorInfo } from '@chatbox/core'
import { nameCall, withRequestId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import { toSubject } from '../../edge/audit-trail.ts'
import { answerInTime, parseInput, type InputSchema } from '../../edge/calls.ts'
import type { Caller } from '../../usecases/caller.ts'
import { EventCaller, type RenewableCaller } from './event-caller.ts'
import type { EventHandlers } from './handlers.ts'

/** One incoming event, with its two ways to respond. */
export interface EventCall {
  caller: RenewableCaller
  /** The address key of the client. */
  address: string | undefined
  event: string
  /** The arguments without the acknowledgement. */
  args: unknown[]
  /** Undefined if the client did not ask for an acknowledgement. */
  ack: ((answer: unknown) => void) | undefined
  /** Reports an error when there is no acknowledgement to carry it. */
  reportError(error: ErrorInfo): void
}

/**
 * Answers one event exactly once. Payloads are parsed, rate limits taken and errors converted only
 * here. Returns `ok` or the code of the error. Never rejects.
 */
export async function answerEvent(
  context: Context,
  handlers: EventHandlers,
  call: EventCall,
): Promise<'ok' | ErrorCode> {
  const requestId = context.clock.newId()
  const startedAt = performance.now()
  const event = isClientEvent(call.event) ? call.event : undefined
  const answer = async (): Promise<'ok' | ErrorCode> => {
    const caller = new EventCaller(call.caller)
    try {
      const data = await answerInTime(runEvent(context, handlers, { ...call, caller, event }))
      // What was read under a right that is gone must not be answered.
      caller.checkRights()
      const shown = isOperator(caller.user) ? data : context.hideOperators.answer(data)
      call.ack?.({ ok: true, data: shown })
      return 'ok'
    } catch (thrown) {
      const error = toAppError(thrown)
      logError(context, error, call.event)
      refuseEvent(context, call, toErrorInfo(error, requestId))
      return error.code
    }
  }
  const outcome = await withRequestId(requestId, answer, call.address)
  const seconds = (performance.now() - startedAt) / 1000
  context.metrics.eventAnswered(event ?? 'unknown', outcome, seconds)
  return outcome
}

/** Answers an event with an error. */
export function refuseEvent(
  { security }: Pick<Context, 'security'>,
  call: EventCall,
  error: ErrorInfo,
): void {
  security.refused(error.code, { address: call.address, userId: call.caller.user.id })
  if (call.ack) call.ack({ ok: false, error })
  else call.reportError(error)
}

type PayloadSchemas = { [E in ClientEvent]: { payload: InputSchema<ClientPayload<E>> } }
const SCHEMAS: PayloadSchemas = CLIENT_EVENTS

interface KnownCall<E extends ClientEvent> {
  event: E | undefined
  caller: Caller
  args: unknown[]
}

async function runEvent<E extends ClientEvent>(
  context: Context,
  handlers: EventHandlers,
  { event, caller, args }: KnownCall<E>,
): Promise<ClientData<E>> {
  // Unknown events cost too, or they would be a cheap way to keep the gateway busy.
  const cost = event === undefined ? 'signal' : CLIENT_EVENTS[event].cost
  await context.guard.take(cost, caller.user.id)
  if (event === undefined) throw new AppError('INVALID_FORMAT', 'Unknown event.')
  checkAdmitted(CLIENT_EVENTS[event].who, caller.user)
  if (args.length > 1) throw new AppError('INVALID_FORMAT', 'An event has at most one payload.')
  const payload = parseInput(SCHEMAS[event].payload, args[0])
  nameCall(event)
  await context.trail.noteCall(event, caller.user, () => toSubject(payload))
  return await handlers[event](caller, payload)
}

function isClientEvent(event: string): event is ClientEvent {
  return Object.hasOwn(CLIENT_EVENTS, event)
}

function logError({ logger }: Context, error: AppError, event: string): void {
  if (error.code === 'INTERNAL') logger.error({ err: error, event }, 'event failed')
  else if (error.code === 'UNAVAILABLE') logger.warn({ err: error, event }, 'event not served')
}
