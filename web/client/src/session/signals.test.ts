import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { ReadSignal } from './signals.ts'

describe('read signal', () => {
  let told: number[]
  let isAway: boolean
  let signal: ReadSignal

  beforeEach(() => {
    jest.useFakeTimers()
    told = []
    isAway = false
    signal = new ReadSignal(async (seq) => {
      if (isAway) throw new Error('away')
      told.push(seq)
    })
  })

  afterEach(() => {
    jest.useRealTimers()
  })

  const pass = (): Promise<void> => jest.advanceTimersByTimeAsync(1000)

  it('tells of many entries once, and of each entry once', async () => {
    signal.onRead(1)
    signal.onRead(3)
    await pass()
    signal.onRead(3)
    signal.onRead(2)
    await pass()
    expect(told).toEqual([3])
  })

  it('tells again what could not be told, when it is asked to', async () => {
    isAway = true
    signal.onRead(2)
    await pass()
    isAway = false
    signal.repeat()
    signal.repeat()
    await pass()
    signal.repeat()
    await pass()
    expect(told).toEqual([2])
  })

  it('tells nothing of a session that was left', async () => {
    signal.onRead(7)
    signal.stop()
    await pass()
    expect(told).toEqual([])
  })
})
