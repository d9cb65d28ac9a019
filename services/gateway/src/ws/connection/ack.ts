import {
  CLIENT_EVENTS,
  type ClientData,
  type ClientEvent,
  type ClientPayload,
  type ErrorInfo,
  type User,
} from '@chatbox/contract'
import { AppError, checkAdmitted, toAppError, toErrorInfo, type Clock } from '@chatbox/core'
import { withRequestId, type Logger, type Metrics } from '@chatbox/kit'
import { answerInTime } from '../../edge/answer-in-time.ts'
import { parseInput, type InputSchema } from '../../edge/parse-input.ts'
import type { RateGuard, RateRules } from '../../edge/rate-rules.ts'
import type { PeerAnnouncer, Viewer } from '../../usecases/announcer.ts'
import type { Identity } from '../../usecases/refresh-token.ts'

/** The connection that an event came through. */
export interface Caller {
  /** Who its token of this moment names. */
  readonly user: User
  readonly viewer: Viewer
  readonly peers: PeerAnnouncer
  /** Puts another identity in the place of its own. */
  renew(identity: Identity): void
}

export type EventHandlers = {
  [E in ClientEvent]: (caller: Caller, payload: ClientPayload<E>) => Promise<ClientData<E>>
}

export interface AnswerDeps {
  guard: RateGuard
  rules: RateRules
  metrics: Pick<Metrics, 'eventAnswered'>
  logger: Logger
  clock: Pick<Clock, 'newId'>
}

/** One event as it came in, and the two ways to answer it. */
export interface EventCall {
  caller: Caller
  event: string
  /** Without the acknowledgement. */
  args: unknown[]
  /** Undefined where the client asked for none. */
  ack: ((answer: unknown) => void) | undefined
  /** Reports an error that no acknowledgement can carry. */
  reportError(error: ErrorInfo): void
}

type PayloadSchemas = { [E in ClientEvent]: { payload: InputSchema<ClientPayload<E>> } }
const SCHEMAS: PayloadSchemas = CLIENT_EVENTS

/**
 * Answers one event exactly once. The only place that parses payloads, takes the rate limit and
 * turns what was thrown into an error of the wire; never rejects.
 */
export async function answerEvent(
  deps: AnswerDeps,
  handlers: EventHandlers,
  call: EventCall,
): Promise<void> {
  const requestId = deps.clock.newId()
  const startedAt = performance.now()
  const event = isClientEvent(call.event) ? call.event : undefined
  const outcome = await withRequestId(requestId, async () => {
    try {
      const data = await answerInTime(runEvent(deps, handlers, { ...call, event }))
      call.ack?.({ ok: true, data })
      return 'ok'
    } catch (thrown) {
      const error = toAppError(thrown)
      logError(deps.logger, error, call.event)
      refuseEvent(call, toErrorInfo(error, requestId))
      return error.code
    }
  })
  const seconds = (performance.now() - startedAt) / 1000
  deps.metrics.eventAnswered(event ?? 'unknown', outcome, seconds)
}

/** The answer to an event that failed, or was not even looked at. */
export function refuseEvent(call: Pick<EventCall, 'ack' | 'reportError'>, error: ErrorInfo): void {
  if (call.ack) call.ack({ ok: false, error })
  else call.reportError(error)
}

type KnownCall<E extends ClientEvent> = Omit<EventCall, 'event'> & { event: E | undefined }

async function runEvent<E extends ClientEvent>(
  deps: AnswerDeps,
  handlers: EventHandlers,
  call: KnownCall<E>,
): Promise<ClientData<E>> {
  const { event, caller, args } = call
  // An event that is not served costs as well, or it would be the cheap way to keep us busy.
  const cost = event === undefined ? 'signal' : CLIENT_EVENTS[event].cost
  await deps.guard.take(deps.rules[cost], caller.user.id)
  if (event === undefined) throw new AppError('INVALID_FORMAT', 'There is no such event.')
  checkAdmitted(CLIENT_EVENTS[event].who, caller.user)
  if (args.length > 1) throw new AppError('INVALID_FORMAT', 'An event takes one payload.')
  return await handlers[event](caller, parseInput(SCHEMAS[event].payload, args[0]))
}

function isClientEvent(event: string): event is ClientEvent {
  return Object.hasOwn(CLIENT_EVENTS, event)
}

function logError(logger: Logger, error: AppError, event: string): void {
  if (error.code === 'INTERNAL') logger.error({ err: error, event }, 'event failed')
  else if (error.code === 'UNAVAILABLE') logger.warn({ err: error, event }, 'event not served')
}
