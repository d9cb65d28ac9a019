import type { ClientData, ClientPayload, User } from '@chatbox/contract'
import { AppError } from '@chatbox/core'

/** Who a token says that its bearer is, and until when. */
export interface Identity {
  user: User
  expiresAt: Date
}

export interface RefreshTokenDeps {
  verifyToken(token: string): Promise<Identity>
  /** Puts the new identity in the place of the connection's old one. */
  renew(identity: Identity): void
}

/** Replaces the token of an open connection by a newer one of the same user. */
export async function refreshToken(
  deps: RefreshTokenDeps,
  who: User,
  input: ClientPayload<'token:refresh'>,
): Promise<ClientData<'token:refresh'>> {
  const identity = await deps.verifyToken(input.token)
  if (identity.user.id !== who.id) {
    throw new AppError('UNAUTHORIZED', 'This token belongs to another user.')
  }
  deps.renew(identity)
  return { expiresAt: identity.expiresAt.toISOString() }
}
