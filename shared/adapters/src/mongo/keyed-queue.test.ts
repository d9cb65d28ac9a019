import { describe, expect, it } from '@jest/globals'
import { unavailable } from './client/errors.ts'
import { KeyedQueue } from './keyed-queue.ts'

const inTime = () => undefined

describe('KeyedQueue', () => {
  it('runs the tasks of one key in order, each after the end of the one before', async () => {
    const queue = new KeyedQueue()
    const seen: string[] = []
    const task = (name: string) => async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      return name
    }
    const results = ['a', 'b', 'c'].map((name) => queue.run('key', inTime, task(name)))
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
    expect(seen).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  })

  it('runs different keys at once', async () => {
    const queue = new KeyedQueue()
    const gate = Promise.withResolvers<undefined>()
    const held = queue.run('a', inTime, async () => {
      await gate.promise
      return 'a'
    })
    expect(await queue.run('b', inTime, async () => 'b')).toBe('b')
    gate.resolve(undefined)
    expect(await held).toBe('a')
  })

  it('goes on after a task that failed', async () => {
    const queue = new KeyedQueue()
    const failed = queue.run('key', inTime, async () => Promise.reject(new Error('no')))
    const next = queue.run('key', inTime, async () => 1)
    await expect(failed).rejects.toThrow('no')
    expect(await next).toBe(1)
  })

  it('does not begin what nobody waits for any more', async () => {
    const queue = new KeyedQueue()
    const tooLate = () => {
      throw unavailable()
    }
    let began = false
    const late = queue.run('key', tooLate, async () => {
      began = true
    })
    await expect(late).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(began).toBe(false)
  })

  it('refuses more than it can hold', async () => {
    const queue = new KeyedQueue()
    const run = () => queue.run('key', inTime, async () => 1)
    const results = await Promise.allSettled(Array.from({ length: 501 }, run))
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(await run()).toBe(1)
  })
})
