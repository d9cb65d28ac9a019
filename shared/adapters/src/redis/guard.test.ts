import { stat } from 'node:fs/promises'
import { describe, expect, it } from '@jest/globals'
import { createGuard, RedisAwayError } from './guard.ts'

const silent = (): Promise<never> => Promise.withResolvers<never>().promise

describe('createGuard', () => {
  it('passes on answers and errors that come in time, and stays open', async () => {
    const guard = createGuard()
    expect(await guard(1000, () => Promise.resolve('PONG'))).toBe('PONG')
    await expect(guard(1000, () => Promise.reject(new Error('OOM')))).rejects.toThrow('OOM')
    expect(await guard(1000, () => Promise.resolve('PONG'))).toBe('PONG')
  })

  it('fails at once for a second after silence, then lets one try at a time', async () => {
    let now = 1000
    let asked = 0
    const guard = createGuard(() => now)
    const ask = (): Promise<never> => guard(5, () => (asked++, silent()))
    await expect(ask()).rejects.toBeInstanceOf(RedisAwayError)
    await expect(ask()).rejects.toBeInstanceOf(RedisAwayError)
    expect(asked).toBe(1)
    now += 1000
    await Promise.allSettled(Array.from({ length: 50 }, ask))
    expect(asked).toBe(2)
  })

  it('opens for all after one answer, and after one error that Redis itself gave', async () => {
    let now = 1000
    const guard = createGuard(() => now)
    const answers = [() => Promise.resolve('PONG'), () => Promise.reject(new Error('READONLY'))]
    for (const answer of answers) {
      await expect(guard(5, silent)).rejects.toBeInstanceOf(RedisAwayError)
      now += 1000
      await Promise.allSettled([guard(1000, answer)])
      const after = Array.from({ length: 50 }, () => guard(1000, () => Promise.resolve('PONG')))
      expect(new Set(await Promise.all(after))).toEqual(new Set(['PONG']))
    }
  })

  it('counts an answer that arrived while the event loop stood still', async () => {
    const guard = createGuard()
    // From here on in the loop's reading phase, after which the timers come.
    await stat(import.meta.filename)
    const answer = guard(20, () => stat(import.meta.filename))
    const until = performance.now() + 60
    while (performance.now() < until);
    expect((await answer).isFile()).toBe(true)
  })
})
