import { describe, expect, it } from '@jest/globals'
import { setTimeout as sleep } from 'node:timers/promises'
import { TipWriter } from './tip-writer.ts'

interface Command {
  updateOne: { filter: { _id: string }; update: { $set: { seq: number } } }
}

/** Longer than tips gather, twice. */
const LONG_MS = 400

function openTips() {
  const commands: string[][] = []
  const hooks = {
    onWritten: () => undefined as unknown,
    call: (work: () => Promise<unknown>) => work(),
  }
  const bulkWrite = async (updates: Command[]) => {
    commands.push(
      updates.map(({ updateOne: { filter, update } }) => `${filter._id}@${update.$set.seq}`),
    )
    hooks.onWritten()
  }
  const mongo = {
    call: (work: () => Promise<unknown>) => hooks.call(work),
    sessions: { bulkWrite },
  }
  const tips = new TipWriter(
    mongo as never,
    { onError: (...fault: unknown[]) => commands.push([String(fault)]) } as never,
  )
  const put = (id: string, seq: number) =>
    tips.put({ origin: { id, userId: 'ann' } } as never, { seq, state: {} } as never)
  return { tips, put, commands, hooks }
}

describe('TipWriter', () => {
  it('writes the newest tip of each session, all in one command', async () => {
    const { put, commands } = openTips()
    for (const [id, seq] of [
      ['a', 1],
      ['b', 1],
      ['a', 3],
      ['a', 2],
    ] as const)
      await put(id, seq)
    expect(commands).toEqual([])
    await sleep(LONG_MS)
    expect(commands).toEqual([['a@3', 'b@1']])
  })

  it('writes a tip that comes in any turn after the end of a command', async () => {
    const opened = Array.from({ length: 12 }, (_, turns) => {
      const { put, commands, hooks } = openTips()
      hooks.onWritten = () => {
        hooks.onWritten = () => undefined
        let turn = Promise.resolve()
        for (let index = 0; index < turns; index += 1) turn = turn.then(() => undefined)
        return turn.then(() => put('b', 1))
      }
      void put('a', 1)
      return commands
    })
    await sleep(LONG_MS)
    for (const commands of opened) expect(commands).toEqual([['a@1'], ['b@1']])
  })

  it('writes at once what it has no room to gather', async () => {
    const { put, commands, hooks } = openTips()
    hooks.call = (work) => {
      void work()
      return new Promise(() => undefined)
    }
    await put('hangs', 1)
    await sleep(LONG_MS)
    for (let index = 0; index < 1000; index += 1) await put(`session-${index}`, 1)
    expect(commands).toEqual([['hangs@1']])
    void put('late', 1)
    expect(commands).toEqual([['hangs@1'], ['late@1']])
  })

  it('gathers nothing any more once it is flushed', async () => {
    const { tips, put, commands } = openTips()
    await put('a', 1)
    await tips.flush()
    expect(commands).toEqual([['a@1']])
  })
})
