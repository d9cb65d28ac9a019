import { openEnum, userIdSchema } from '@chatbox/contract'
import type { RevocationChange } from '@chatbox/core'
import { z } from 'zod'

/** A reason of a later version keeps its user out: that is the safe side of what it can mean. */
const revocationSchema = z.object({
  userId: userIdSchema,
  reason: openEnum(['shut_out', 'roles_changed'], 'shut_out'),
  before: z.date(),
  by: z.string(),
})

/** Throws for what is no revocation, because to skip it would let somebody in. */
export function toRevocation(stored: unknown, ended: boolean): RevocationChange {
  const revocation = revocationSchema.parse(stored)
  return { userId: revocation.userId, revocation: ended ? undefined : revocation }
}
