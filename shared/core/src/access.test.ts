import { describe, expect, it } from '@jest/globals'
import type { Role, User, Who } from '@chatbox/contract'
import { checkAccess, checkAdmitted, mayAccess } from './access.ts'

const userOf = (id: string, ...roles: Role[]) => ({ id, name: '', roles })
const SESSION = { userId: 'owner' }

describe('who is admitted', () => {
  it.each<[Role[], Who[]]>([
    [[], ['anyone', 'user']],
    [['user'], ['anyone', 'user']],
    [['chat_admin'], ['anyone', 'user', 'operator']],
    [['admin'], ['anyone', 'user', 'operator', 'admin']],
    [
      ['user', 'admin'],
      ['anyone', 'user', 'operator', 'admin'],
    ],
  ])('with the roles %j: %j', (roles, admitted) => {
    for (const who of ['anyone', 'user', 'operator', 'admin'] as const) {
      const check = () => checkAdmitted(who, userOf('ann', ...roles))
      if (admitted.includes(who)) check()
      else expect(check).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
    }
  })
})

describe('what may be done to a session', () => {
  it.each([
    ['its owner', userOf('owner', 'user'), ['read', 'write', 'end']],
    ['its owner without a role', userOf('owner'), ['read', 'write', 'end']],
    ['somebody else', userOf('other', 'user'), []],
    ['an operator', userOf('other', 'chat_admin'), ['read', 'end']],
    ['an admin', userOf('other', 'admin'), ['read', 'end']],
  ])('by %s', (_who, user, allowed) => {
    const actions = ['read', 'write', 'end'] as const
    expect(actions.filter((action) => mayAccess(action, user, SESSION))).toEqual(allowed)
  })

  it('is refused as if there were no session, unless it may be seen', () => {
    const refusal = (user: User, session: typeof SESSION | undefined): unknown => {
      try {
        return checkAccess('write', user, session)
      } catch (error) {
        return error
      }
    }
    expect(refusal(userOf('other'), SESSION)).toEqual(refusal(userOf('other'), undefined))
    expect(refusal(userOf('other'), SESSION)).toMatchObject({ code: 'NOT_FOUND' })
    expect(refusal(userOf('other', 'admin'), SESSION)).toMatchObject({ code: 'FORBIDDEN' })
    expect(refusal(userOf('owner'), SESSION)).toBe(SESSION)
  })
})
