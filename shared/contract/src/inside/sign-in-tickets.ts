import { z } from 'zod'
import { roleSchema } from '../entities.ts'
import { userIdSchema } from '../fields.ts'

/** What a one-time link is for, as gateways leave it to each other in the store. */
export const signInLinkSchema = z.object({ address: z.string() })

/** What lasts of an operator's sign-in: each renewal uses it up and leaves a new one. */
export const signInGrantSchema = z.object({
  id: userIdSchema,
  name: z.string(),
  roles: z.array(roleSchema),
  /** The address in the list that gives the role; undefined if a claim does. */
  address: z.string().optional(),
  /** In ms since the epoch. */
  endsAt: z.number(),
  /** At the OpenID Connect provider. */
  subject: z.string().optional(),
  refreshToken: z.string().optional(),
})
export type SignInGrant = z.infer<typeof signInGrantSchema>
