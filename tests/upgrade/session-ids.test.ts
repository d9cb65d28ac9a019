import { createHash, randomBytes } from 'node:crypto'
import { toOwnedId } from '@chatbox/kit'
import { describe, expect, it } from '@jest/globals'
import { createPseudonym } from '../../shared/adapters/src/sealed/pseudonym.ts'
import { signToken } from '../environment/tokens.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()

/** Marks of ids that this version does not make, but may find in the store. */
const EARLIER: [string, (userId: string) => string][] = [
  [
    'a plain digest, of a version before keyed marks',
    (userId) => createHash('sha256').update(userId).digest('base64url').slice(0, 16),
  ],
  [
    'a digest under another first key',
    (userId) => createPseudonym([{ id: 'old', key: randomBytes(32) }])(userId),
  ],
  ['something that is no digest', () => 'x'],
  ['nothing after the dot', () => ''],
]

async function storeSession(userId: string, mark: string): Promise<string> {
  const id = toOwnedId(h.backend.ports.clock.newId(), mark)
  const startedAt = h.backend.ports.clock.now().toISOString()
  await h.backend.ports.sessions.create({ id, userId, userName: '', startedAt, modelId: 'demo' })
  return id
}

describe.each(EARLIER)('a session whose id ends with %s', (title, toMark) => {
  const userId = `owner of ${title}`

  it('is its owner’s, who opens it, writes in it and finds it again', async () => {
    const id = await storeSession(userId, toMark(userId))
    const owner = await h.connect({ userId })
    expect((await owner.open()).session.id).toBe(id)
    expect((await owner.open({ sessionId: id })).session.userId).toBe(userId)
    const sent = await owner.send({ id }, 'still here')
    const { message } = await owner.waitFor('message:new', () => true)
    expect(message).toEqual(sent)
    // A renewal leaves the rooms of others, and this is not one.
    const token = await signToken({ sub: userId })
    await owner.emit('token:refresh', { token })
    const second = await owner.send({ id }, 'and after a renewal')
    await owner.waitFor('message:new', ({ message: { id: seen } }) => seen === second.id)
    await owner.emit('session:end', { sessionId: id })
  })

  it('is nobody else’s, whoever’s mark it has', async () => {
    const id = await storeSession(`${userId} 2`, toMark('mallory'))
    const mallory = await h.connect({ userId: 'mallory' })
    expect((await mallory.refusal('session:open', { sessionId: id })).code).toBe('NOT_FOUND')
    const content = { sessionId: id, clientMessageId: 'c', content: 'x' }
    expect((await mallory.refusal('message:send', content)).code).toBe('NOT_FOUND')
  })
})

describe('a new session', () => {
  it('has an id that nobody can try names against', async () => {
    const owner = await h.connect({ userId: 'ann@example.org' })
    const { id } = (await owner.open()).session
    const digest = createHash('sha256').update('ann@example.org')
    const [hex, base64url] = [digest.copy().digest('hex'), digest.digest('base64url')]
    for (const trace of [hex, base64url]) expect(id).not.toContain(trace.slice(0, 8))
    const [, mark = ''] = id.split('.')
    expect(mark).toBe(h.backend.ports.pseudonym('ann@example.org'))
  })
})

describe('looking a session up', () => {
  it('is counted: a point more for an id without the mark of this key', async () => {
    const userId = 'counted'
    const own = await storeSession(userId, h.backend.ports.pseudonym(userId))
    const limited = await h.startOther({ limits: { rateLimit: 1 } })
    const opensOf = async (sessionId: string, as: string) => {
      const user = await h.connect({ url: limited.url, userId: as })
      for (let opened = 0; opened < 10; opened += 1) {
        const refused = await user.refusal('session:open', { sessionId }).catch(() => undefined)
        if (refused) return opened
      }
      throw new Error('nothing was refused')
    }
    const one = await h.connect({ userId })
    await one.send({ id: own }, 'an entry')
    const old = await storeSession('counted too', 'x')
    const two = await h.connect({ userId: 'counted too' })
    await two.send({ id: old }, 'an entry')
    expect([await opensOf(own, userId), await opensOf(old, 'counted too')]).toEqual([5, 3])
  })
})
