import type { User } from '@chatbox/contract'
import { isVisitorId } from '@chatbox/core'

/**
 * Returns whose turn a question takes. Lanes take turns, so nobody waits for another lane's line. A
 * signed-in user is a lane, because the site vouches for each of them. All visitors of an address are
 * one lane, because anybody can become any number of visitors. `address` is an address key, so an
 * IPv6 /64 is one address. Lanes are stored with questions and jobs, and without the key of the
 * pseudonyms nobody can tell an address from them.
 */
export function toLane(
  { pseudonym }: { pseudonym: (name: string) => string },
  { id }: Pick<User, 'id'>,
  address: string,
): string {
  return pseudonym(JSON.stringify(isVisitorId(id) ? ['visitors', address] : ['user', id]))
}
