import { describe, expect, it } from '@jest/globals'
import { HeldJobs, LEAST_HELD } from './held-jobs.ts'

const NEVER = new AbortController().signal

function setUp(slots: number) {
  const told: number[] = []
  const begun: string[] = []
  const places = new HeldJobs(slots, (count) => void told.push(count))
  let clock = 0
  /** Runs a job that begins with its lane, `a1`, until it is ended. */
  function run(name: string, signal = NEVER) {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const done = places.run({ lane: name.charAt(0), since: clock++ }, signal, () => {
      begun.push(name)
      return promise
    })
    done.catch(() => undefined)
    const settle = async (by: () => void): Promise<void> => {
      by()
      await done.catch(() => undefined)
      await Promise.resolve()
    }
    return {
      done,
      end: () => settle(() => resolve(undefined)),
      fail: () => settle(() => reject(new Error('failed'))),
    }
  }
  return { places, told, begun, run }
}

describe('HeldJobs', () => {
  it('runs a job at once while its lane may have a place', () => {
    const { run, begun, told, places } = setUp(5)
    for (const name of ['a1', 'a2', 'a3', 'a4', 'b1']) void run(name)
    expect(begun).toEqual(['a1', 'a2', 'a3', 'a4', 'b1'])
    expect(told).toEqual([])
    expect(places.held).toMatchObject({ count: 0, lanes: {} })
  })

  it('holds further ones, lets the worker fetch as many more, and tells what it holds', () => {
    const { run, begun, told, places } = setUp(5)
    for (const name of ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1', 'c1']) void run(name)
    expect(begun).toEqual(['a1', 'a2', 'a3', 'a4', 'b1'])
    expect(told).toEqual([1, 2, 3])
    expect(places.held).toEqual({ count: 3, oldest: 4, lanes: { a: 2, c: 1 } })
  })

  it('gives a free place to the lane whose turn it is', async () => {
    const { run, begun, told } = setUp(5)
    const jobs = ['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'b1', 'c1'].map((name) => run(name))
    await jobs[6]?.end()
    expect(begun.at(-1)).toBe('c1')
    await jobs[0]?.end()
    expect(begun.at(-1)).toBe('a5')
    await jobs[1]?.fail()
    expect(begun.at(-1)).toBe('a6')
    expect(told.at(-1)).toBe(0)
  })

  it('lets a held job go that is aborted', async () => {
    const { run, begun, places, told } = setUp(1)
    const first = run('a1')
    const abort = new AbortController()
    const held = run('a2', abort.signal)
    const next = run('a3')
    abort.abort(new Error('stopping'))
    await expect(held.done).rejects.toThrow('the job was aborted')
    expect(places.held.count).toBe(1)
    expect(told).toEqual([1, 2, 1])
    await first.end()
    expect(begun).toEqual(['a1', 'a3'])
    await next.end()
    expect(places.held.count).toBe(0)
  })

  it('does not hold a job that is aborted already', async () => {
    const { run, places } = setUp(1)
    void run('a1')
    const abort = new AbortController()
    abort.abort(new Error('stopping'))
    await expect(run('a2', abort.signal).done).rejects.toThrow('stopping')
    expect(places.held.count).toBe(0)
  })

  it.each([
    [5, LEAST_HELD],
    [LEAST_HELD, LEAST_HELD],
    [300, 300],
  ])('with %d places fetches at most %d more', (slots, most) => {
    const { run, told } = setUp(slots)
    for (let count = 0; count < slots + most + 50; count++) void run(`a${count}`)
    expect(Math.max(...told)).toBe(most)
  })
})
