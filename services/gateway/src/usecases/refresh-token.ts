import type { ClientData, ClientPayload } from '@chatbox/contract'
import { AppError } from '@chatbox/core'
import type { Context } from '../context.ts'
import type { Caller } from './caller.ts'

/** Replaces the token of an open connection by a newer one of the same user. */
export async function refreshToken(
  context: Context,
  caller: Caller,
  input: ClientPayload<'token:refresh'>,
): Promise<ClientData<'token:refresh'>> {
  const identity = await context.verifyToken(input.token)
  if (identity.user.id !== caller.user.id) {
    throw new AppError('UNAUTHORIZED', 'This token belongs to another user.')
  }
  caller.renew(identity)
  return { expiresAt: identity.expiresAt.toISOString() }
}
