import { describe, expect, it } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { initialState } from '@chatbox/core'
import type { FoundSession } from './documents.ts'
import { HeadCache } from './head-cache.ts'

interface Command {
  updateOne: { filter: { _id: string }; update: { $set: { seq: number } } }
}

/** Longer than projections gather, twice. */
const LONG_MS = 400

const state = initialState('demo', '2026-01-01T00:00:00.000Z')

function foundAt(id: string, seq: number): FoundSession {
  return { origin: { id, userId: 'ann', userName: 'Ann', startedAt: '' }, head: { seq, state } }
}

function openCache() {
  const commands: string[][] = []
  const hooks = {
    onWritten: () => undefined as unknown,
    call: (work: () => Promise<unknown>) => work(),
    /** What a read finds at the end of a log. */
    onRead: async (): Promise<unknown[]> => [],
  }
  const bulkWrite = async (updates: Command[]) => {
    commands.push(
      updates.map(({ updateOne: { filter, update } }) => `${filter._id}@${update.$set.seq}`),
    )
    hooks.onWritten()
  }
  const cursor = {
    project: () => cursor,
    sort: () => cursor,
    limit: () => cursor,
    toArray: () => hooks.onRead(),
  }
  const mongo = {
    call: (work: () => Promise<unknown>) => hooks.call(work),
    sessions: { bulkWrite },
    messages: { find: () => cursor },
  }
  const heads = new HeadCache(
    mongo as never,
    {
      cipher: { open: () => '{"name":"","note":"","operator":""}' },
      hooks: { onError: (...fault: unknown[]) => commands.push([String(fault)]) },
    } as never,
  )
  const advance = (id: string, seq: number, type = 'user') =>
    heads.advance(foundAt(id, seq), { sender: { type } } as never, { seq, state, stateSealed: '' })
  return { heads, advance, commands, hooks }
}

describe('the heads that are known', () => {
  it('are 1000, and the one that was kept longest ago is forgotten', () => {
    const { heads } = openCache()
    for (let index = 0; index < 1000; index += 1) heads.keep(foundAt(`session-${index}`, 1))
    heads.keep(foundAt('session-0', 2))
    heads.keep(foundAt('late', 1))
    expect(heads.find('session-0')).toEqual(foundAt('session-0', 2))
    expect(heads.find('session-1')).toBeUndefined()
    expect(heads.find('session-2')).toEqual(foundAt('session-2', 1))
  })

  it('are read again only where there is one, and taken only where it is newer', async () => {
    const { heads, hooks } = openCache()
    let reads = 0
    const findAt = (seq: number) => async () => {
      reads++
      return [{ seq, state, stateSealed: 'sealed' }]
    }
    hooks.onRead = findAt(1)
    await heads.refresh('unknown')
    expect([heads.find('unknown'), reads]).toEqual([undefined, 0])
    heads.keep(foundAt('known', 2))
    await heads.refresh('known')
    expect(heads.find('known')).toEqual(foundAt('known', 2))
    hooks.onRead = findAt(3)
    await heads.refresh('known')
    expect(heads.find('known')).toEqual(foundAt('known', 3))
  })

  it('are without that of a reply, once the session’s document has it', async () => {
    const { heads, advance } = openCache()
    await advance('a', 1)
    await advance('a', 2, 'ai')
    expect(heads.find('a')).toEqual(foundAt('a', 2))
    await sleep(LONG_MS)
    expect(heads.find('a')).toBeUndefined()
  })
})

describe('projections', () => {
  it('write the newest head of each session, all in one command', async () => {
    const { advance, commands } = openCache()
    for (const [id, seq] of [
      ['a', 1],
      ['b', 1],
      ['a', 3],
      ['a', 2],
    ] as const)
      await advance(id, seq)
    expect(commands).toEqual([])
    await sleep(LONG_MS)
    expect(commands).toEqual([['a@3', 'b@1']])
  })

  it('are written where they come in any turn after the end of a command', async () => {
    const opened = Array.from({ length: 12 }, (_, turns) => {
      const { advance, commands, hooks } = openCache()
      hooks.onWritten = () => {
        hooks.onWritten = () => undefined
        let turn = Promise.resolve()
        for (let index = 0; index < turns; index += 1) turn = turn.then(() => undefined)
        return turn.then(() => advance('b', 1))
      }
      void advance('a', 1)
      return commands
    })
    await sleep(LONG_MS)
    for (const commands of opened) expect(commands).toEqual([['a@1'], ['b@1']])
  })

  it('are written at once where there is no room to gather them', async () => {
    const { advance, commands, hooks } = openCache()
    hooks.call = (work) => {
      void work()
      return new Promise(() => undefined)
    }
    await advance('hangs', 1)
    await sleep(LONG_MS)
    for (let index = 0; index < 1000; index += 1) await advance(`session-${index}`, 1)
    expect(commands).toEqual([['hangs@1']])
    void advance('late', 1)
    expect(commands).toEqual([['hangs@1'], ['late@1']])
  })

  it('do not gather any more once they are flushed', async () => {
    const { heads, advance, commands } = openCache()
    await advance('a', 1)
    await heads.flush()
    expect(commands).toEqual([['a@1']])
  })
})
