import type { Presence } from '@chatbox/core'
import type { Logger } from '@chatbox/kit'

interface LeaveDeps {
  presence: Pick<Presence, 'leave'>
  logger: Logger
}

/** Counts a connection no longer. Idempotent; nobody waits for it. */
export function leavePresence({ presence, logger }: LeaveDeps, userId: string, id: string): void {
  presence
    .leave(userId, id)
    .catch((error: unknown) => logger.warn({ err: error }, 'presence not left'))
}
