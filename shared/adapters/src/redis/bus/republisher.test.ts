import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { Republisher } from './republisher.ts'

describe('Republisher', () => {
  let isAway: boolean
  let tries: number
  let published: string[]
  let republisher: Republisher

  beforeEach(() => {
    jest.useFakeTimers()
    isAway = true
    tries = 0
    published = []
    republisher = new Republisher(async (channel, payload) => {
      tries++
      if (isAway) throw new Error('away')
      published.push(`${channel} ${payload.toString()}`)
    })
  })
  afterEach(() => void jest.useRealTimers())

  it('publishes what is about a log entry once it can, each once and in order', async () => {
    for (const event of ['message:new', 'typing', 'reply:start', 'session:updated']) {
      republisher.add(event, 'channel', event)
    }
    await jest.advanceTimersByTimeAsync(10_000)
    expect(tries).toBeGreaterThan(15)
    expect(tries).toBeLessThan(50)
    isAway = false
    await jest.advanceTimersByTimeAsync(500)
    expect(published).toEqual(['channel message:new', 'channel session:updated'])
    await jest.advanceTimersByTimeAsync(60_000)
    expect(published).toHaveLength(2)
    republisher.add('message:new', 'channel', 'later')
    await jest.advanceTimersByTimeAsync(50)
    expect(published.at(-1)).toBe('channel later')
  })

  it('gives up after 30 s, when the beacon has told of it', async () => {
    republisher.add('message:new', 'channel', 'old')
    await jest.advanceTimersByTimeAsync(29_000)
    republisher.add('message:new', 'channel', 'young')
    await jest.advanceTimersByTimeAsync(2000)
    isAway = false
    await jest.advanceTimersByTimeAsync(1000)
    expect(published).toEqual(['channel young'])
  })

  it('keeps the latest 1000 texts, and of long ones the latest 8 million characters', async () => {
    for (let index = 0; index < 3000; index++) republisher.add('message:new', 'c', `${index}`)
    isAway = false
    await jest.advanceTimersByTimeAsync(500)
    expect([published.length, published[0]]).toEqual([1000, 'c 2000'])
    isAway = true
    published = []
    const long = 'x'.repeat(1_200_000)
    for (let index = 0; index < 20; index++) republisher.add('message:new', `${index}`, long)
    isAway = false
    await jest.advanceTimersByTimeAsync(500)
    expect(published.map((text) => text.split(' ')[0])).toEqual([
      '14',
      '15',
      '16',
      '17',
      '18',
      '19',
    ])
  })

  it('keeps nothing once it is closed', async () => {
    republisher.add('message:new', 'channel', 'text')
    await republisher.close()
    isAway = false
    await jest.advanceTimersByTimeAsync(5000)
    expect(published).toEqual([])
  })
})
