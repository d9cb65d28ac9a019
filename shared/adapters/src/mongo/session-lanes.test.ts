import { describe, expect, it } from '@jest/globals'
import { unavailable } from './client/errors.ts'
import { SessionLanes } from './session-lanes.ts'

const inTime = () => undefined

describe('SessionLanes', () => {
  it('runs the tasks of one key in order, each with what the one before left', async () => {
    const lanes = new SessionLanes<number>()
    const seen: unknown[] = []
    const task = (name: string) => async (carried: number | undefined) => {
      await Promise.resolve()
      seen.push([name, carried])
      return { result: name, carry: (carried ?? 0) + 1 }
    }
    const results = ['a', 'b', 'c'].map((name) => lanes.run('key', inTime, task(name)))
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual([
      ['a', undefined],
      ['b', 1],
      ['c', 2],
    ])
    // Nobody waits any more: what was learnt then may be old by now.
    await lanes.run('key', inTime, task('d'))
    expect(seen.at(-1)).toEqual(['d', undefined])
  })

  it('runs different keys at once', async () => {
    const lanes = new SessionLanes<number>()
    const gate = Promise.withResolvers<undefined>()
    const held = lanes.run('a', inTime, async () => {
      await gate.promise
      return { result: 'a', carry: 0 }
    })
    expect(await lanes.run('b', inTime, async () => ({ result: 'b', carry: 0 }))).toBe('b')
    gate.resolve(undefined)
    expect(await held).toBe('a')
  })

  it('goes on after a task that failed, without what it had', async () => {
    const lanes = new SessionLanes<number>()
    const first = lanes.run('key', inTime, async () => ({ result: 1, carry: 1 }))
    const failed = lanes.run('key', inTime, async () => Promise.reject(new Error('no')))
    const next = lanes.run('key', inTime, async (carried) => ({ result: carried, carry: 1 }))
    expect(await first).toBe(1)
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBeUndefined()
  })

  it('does not begin what nobody waits for any more', async () => {
    const lanes = new SessionLanes<number>()
    const tooLate = () => {
      throw unavailable()
    }
    let began = false
    const late = lanes.run('key', tooLate, async () => {
      began = true
      return { result: 1, carry: 1 }
    })
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(began).toBe(false)
  })

  it('refuses more than it can hold', async () => {
    const lanes = new SessionLanes<number>()
    const run = () => lanes.run('key', inTime, async () => ({ result: 1, carry: 1 }))
    const results = await Promise.allSettled(Array.from({ length: 501 }, run))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await run()).toBe(1)
  })
})
