import { stat } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { createGuard, RedisAwayError, type Guard } from './guard.ts'

const silent = (): Promise<never> => Promise.withResolvers<never>().promise
const answered = (): Promise<string> => Promise.resolve('PONG')

describe('createGuard', () => {
  it('passes on answers and errors that come in time, and stays open', async () => {
    const guard = createGuard(answered)
    expect(await guard(1000, answered)).toBe('PONG')
    await expect(guard(1000, () => Promise.reject(new Error('OOM')))).rejects.toThrow('OOM')
    expect(await guard(1000, answered)).toBe('PONG')
  })

  it('counts an answer that arrived while the event loop stood still', async () => {
    const guard = createGuard(answered)
    // From here on in the loop's reading phase, after which the timers come.
    await stat(import.meta.filename)
    const answer = guard(20, () => stat(import.meta.filename))
    const until = performance.now() + 60
    while (performance.now() < until);
    expect((await answer).isFile()).toBe(true)
  })

  describe('after a command that was not answered in time', () => {
    let pings: PromiseWithResolvers<unknown>[]
    let guard: Guard

    beforeEach(() => {
      jest.useFakeTimers()
      pings = []
      guard = createGuard(() => {
        const ping = Promise.withResolvers<unknown>()
        pings.push(ping)
        return ping.promise
      })
    })
    afterEach(() => void jest.useRealTimers())

    /** With the turn of the event loop that a deadline grants. */
    async function pass(ms: number): Promise<void> {
      await jest.advanceTimersByTimeAsync(ms)
      await jest.advanceTimersByTimeAsync(1)
    }

    /** Lets `count` commands run into their time-outs of 250 ms. */
    async function timeOut(count = 1): Promise<void> {
      const commands = Array.from({ length: count }, () => guard(250, silent))
      const failed = Promise.allSettled(commands)
      await pass(250)
      for (const { status } of await failed) expect(status).toBe('rejected')
    }

    it('stays open for the others, however many are slow, while PINGs are answered', async () => {
      await timeOut(50)
      expect(pings).toHaveLength(1)
      expect(await guard(250, answered)).toBe('PONG')
      await pass(490)
      pings[0]?.resolve('PONG')
      await pass(5000)
      expect(await guard(250, answered)).toBe('PONG')
      expect(pings).toHaveLength(1)
    })

    it('fails at once when a PING is not answered for 500 ms, until one is', async () => {
      await timeOut()
      await pass(500)
      let asked = 0
      const ask = (): Promise<string> => guard(250, () => (asked++, answered()))
      await expect(ask()).rejects.toBeInstanceOf(RedisAwayError)
      await pass(10_000)
      await expect(ask()).rejects.toBeInstanceOf(RedisAwayError)
      expect(asked).toBe(0)
      pings.at(-1)?.resolve('PONG')
      await pass(0)
      expect(await ask()).toBe('PONG')
    })

    it('opens again when the connection is gone: commands then fail by themselves', async () => {
      await timeOut()
      await pass(500)
      pings.at(-1)?.reject(new Error('Connection is closed.'))
      await pass(0)
      expect(await guard(250, answered)).toBe('PONG')
      await pass(5000)
      expect(pings).toHaveLength(2)
    })
  })
})
