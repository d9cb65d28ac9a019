import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { finished } from 'node:stream'
import type { HttpRoute, User } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Logger, Metrics } from '@chatbox/kit'
import type { Request, RequestHandler, Response } from 'express'
import type { Context } from '../context.ts'
import { toAddressKey } from '../edge/client-address.ts'
import { Slots } from '../edge/slots.ts'

/** A response of which a client takes no byte for so long is ended, whatever it is. */
export const UNREAD_MS = 30_000

/**
 * The responses that hold texts of a log until the client has taken them. Small answers have no
 * caps, so that nobody who holds all slots keeps new visitors out.
 */
export const HELD = {
  downloads: {
    // Each may hold some 3 MB of memory.
    caps: { user: 2, address: 4, process: 16, visitors: { address: 2, process: 12 } },
    maxMs: 10 * 60_000,
  },
  reads: {
    caps: { user: 16, address: 64, process: 256, visitors: { address: 48, process: 192 } },
    maxMs: 60_000,
  },
} as const

interface Watchers {
  metrics: Pick<Metrics, 'slowReaderClosed'>
  logger: Pick<Logger, 'info'>
}

/**
 * Ends responses that their clients do not read. A response that itself has nothing to send is left
 * alone. Node's own timer for sockets would not do, because any byte that a client sends resets it.
 */
export function endUnread({ metrics, logger }: Watchers, unreadMs = UNREAD_MS): RequestHandler {
  return ({ socket }, response, next) => {
    let seen = ''
    let seenAt = performance.now()
    const timer = setInterval(() => {
      const now = performance.now()
      const state = toWriteState(socket)
      if (state !== seen) seenAt = now
      seen = state
      if (socket.writableLength === 0 || now - seenAt < unreadMs) return
      metrics.slowReaderClosed()
      logger.info('response ended: the client does not read')
      socket.destroy()
    }, unreadMs / 4)
    response.once('close', () => clearInterval(timer))
    next()
  }
}

/** The handle of a socket, which Node's own timer also asks whether a long write goes on. */
interface WithHandle {
  _handle?: { writeQueueSize?: number } | null
}

/** Describes what was written and what waits. It changes with each byte that the system takes. */
function toWriteState(socket: Socket & WithHandle): string {
  const { bytesWritten, writableLength, _handle: handle } = socket
  return `${bytesWritten} ${writableLength} ${handle?.writeQueueSize ?? 0}`
}

/** Takes a slot for a response, until it is closed. */
export type HoldResponse = (route: HttpRoute, who: User, exchange: Exchange) => void

export interface Exchange {
  request: Request
  response: Response
}

export function createHoldResponse({ metrics }: Pick<Context, 'metrics'>): HoldResponse {
  const slots = { downloads: new Slots(HELD.downloads.caps), reads: new Slots(HELD.reads.caps) }
  return (route, who, { request, response }) => {
    const kind = toKind(route)
    if (!kind) return
    try {
      const leave = slots[kind].enter({ userId: who.id, address: toAddressKey(request.ip) })
      holdAtMost(HELD[kind].maxMs, response, leave)
    } catch (error) {
      if (error instanceof AppError) metrics.rateLimited(kind)
      throw error
    }
  }
}

/** Calls `onEnd` at the end of the response, also if it has ended already. */
export function holdAtMost(maxMs: number, response: ServerResponse, onEnd: () => void): void {
  const timer = setTimeout(() => response.destroy(), maxMs)
  finished(response, () => {
    clearTimeout(timer)
    onEnd()
  })
}

function toKind({ kind, cost }: HttpRoute): keyof typeof HELD | undefined {
  if (kind === 'download') return 'downloads'
  return cost === 'read' ? 'reads' : undefined
}
