import { ERROR_STATUS } from '@chatbox/contract'
import { AppError, toAppError, toErrorInfo } from '@chatbox/core'
import { currentRequestId } from '@chatbox/kit'
import type { ErrorRequestHandler, RequestHandler } from 'express'
import type { Context } from '../context.ts'

/** The errors that Express and its parsers throw for an unreadable request. */
interface RequestFault {
  status: number
}

/** Turns any error into `{error}` with its HTTP status. Must be the last handler. */
export function answerErrors({ logger, security }: Context): ErrorRequestHandler {
  // eslint-disable-next-line max-params -- Express knows an error handler by its four parameters
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      // A response that has begun cannot be replaced. The cut shows that it is incomplete.
      next(thrown)
      return
    }
    const fault = isRequestFault(thrown) ? thrown : undefined
    const error = fault ? toRefusal(fault) : toAppError(thrown)
    const status = fault?.status ?? ERROR_STATUS[error.code]
    const { userId } = response.locals as { userId?: string }
    security.refused(error.code, { userId })
    if (status >= 500) logger.error({ err: error, path: request.path }, 'request failed')
    if (error.retryAfterMs !== undefined) {
      response.setHeader('Retry-After', Math.max(1, Math.ceil(error.retryAfterMs / 1000)))
    }
    response.status(status).json({ error: toErrorInfo(error, currentRequestId()) })
  }
}

export const answerUnknown: RequestHandler = () => {
  throw new AppError('NOT_FOUND', 'There is nothing at this address.')
}

function isRequestFault(thrown: unknown): thrown is RequestFault {
  if (thrown instanceof AppError || !(thrown instanceof Error) || !('status' in thrown))
    return false
  return typeof thrown.status === 'number' && thrown.status >= 400 && thrown.status < 500
}

function toRefusal({ status }: RequestFault): AppError {
  if (status === 404) return new AppError('NOT_FOUND', 'There is nothing at this address.')
  return new AppError('INVALID_FORMAT', 'This request cannot be read.')
}
