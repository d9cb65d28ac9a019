import { idSchema } from '@chatbox/contract'
import type { Clock } from '@chatbox/core'
import { withRequestId } from '@chatbox/kit'
import type { RequestHandler } from 'express'

const HEADER = 'x-request-id'

/** Runs each request under one id: the caller's where it is one, else a new one; answers it back. */
export function nameRequests(clock: Pick<Clock, 'newId'>): RequestHandler {
  return (request, response, next) => {
    const given = idSchema.safeParse(request.headers[HEADER])
    const requestId = given.success ? given.data : clock.newId()
    response.setHeader(HEADER, requestId)
    withRequestId(requestId, next)
  }
}
