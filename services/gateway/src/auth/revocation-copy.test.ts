import { afterEach, describe, expect, it } from '@jest/globals'
import type { Revocation, RevocationChange, RevocationMark, Revocations } from '@chatbox/core'
import { createClock } from '@chatbox/kit'
import { MAX_REVOCATIONS, RevocationCopy } from './revocation-copy.ts'

const clock = createClock()
const logger = { warn: () => undefined, info: () => undefined }
const copies: RevocationCopy[] = []
afterEach(() => {
  for (const copy of copies.splice(0)) copy.stop()
})

/** A store in which each change has a place that the test may set. */
class Stored implements Revocations {
  readonly changes: (RevocationChange & RevocationMark)[] = []
  reads = 0

  async put(revocation: Revocation): Promise<void> {
    this.add(revocation.userId, revocation)
  }

  async end(userId: string): Promise<boolean> {
    this.add(userId, undefined)
    return true
  }

  async find(userId: string): Promise<Revocation | undefined> {
    return this.changes.find((change) => change.userId === userId)?.revocation
  }

  async listChanges(mark: RevocationMark | undefined, limit: number) {
    this.reads++
    const after = this.changes
      .filter(({ changedAt, userId }) => {
        if (!mark) return true
        const ahead = changedAt.getTime() - mark.changedAt.getTime()
        return ahead > 0 || (ahead === 0 && userId > mark.userId)
      })
      .toSorted((a, b) => a.changedAt.getTime() - b.changedAt.getTime())
    const changes = after.slice(0, limit)
    return { changes, last: changes.at(-1) }
  }

  add(userId: string, revocation: Revocation | undefined, changedAt = new Date()): void {
    const known = this.changes.findIndex((change) => change.userId === userId)
    if (known >= 0) this.changes.splice(known, 1)
    this.changes.push({ userId, revocation, changedAt })
  }
}

async function startCopy(stored: Stored): Promise<RevocationCopy> {
  const copy = new RevocationCopy({ revocations: stored, clock, logger })
  copies.push(copy)
  await copy.start()
  return copy
}

const revocationOf = (userId: string): Revocation => ({
  ...{ userId, reason: 'shut_out', before: new Date(), by: 'boss' },
})

/** Resolves with the user of the next revocation that a copy learns of. */
const nextTold = (copy: RevocationCopy) =>
  new Promise<string>((resolve) => copy.onRevoked((userId) => resolve(userId)))

describe('a copy of the revocations', () => {
  it('refuses one more than it holds, but not another moment for one of them', async () => {
    const stored = new Stored()
    for (let i = 0; i < MAX_REVOCATIONS; i++)
      stored.changes.push({
        ...{ userId: `u${i}`, revocation: revocationOf(`u${i}`), changedAt: new Date(i) },
      })
    const copy = await startCopy(stored)
    const put = (userId: string) => copy.put({ userId, reason: 'shut_out', by: 'boss' })
    await expect(put('one-more')).rejects.toMatchObject({ code: 'CONFLICT' })
    expect(await stored.find('one-more')).toBeUndefined()
    await put('u7')
    await copy.end('u8')
    await put('one-more')
    expect(copy.isRevoked('one-more', Date.now())).toBe(true)
    expect(copy.isRevoked('u8', Date.now())).toBe(false)
  })

  it('learns of a write that got an earlier place than one that was read', async () => {
    const stored = new Stored()
    const now = Date.now()
    stored.add('first', revocationOf('first'), new Date(now))
    const copy = await startCopy(stored)
    const told = nextTold(copy)
    stored.add('late', revocationOf('late'), new Date(now - 3000))
    expect(await told).toBe('late')
    expect(copy.isRevoked('late', 0)).toBe(true)
  })

  it('tells of a revocation once, however often it is read', async () => {
    const stored = new Stored()
    const copy = await startCopy(stored)
    const told: string[] = []
    copy.onRevoked((userId) => told.push(userId))
    stored.add('ada', revocationOf('ada'))
    const { reads } = stored
    while (stored.reads < reads + 3) await new Promise((resolve) => setTimeout(resolve, 50))
    expect(told).toEqual(['ada'])
  })
})
