import { describe, expect, it } from '@jest/globals'
import { Bucket } from './bucket.ts'

describe('a bucket', () => {
  const rule = { capacity: 10, perSecond: 2 }

  it('is full at first, and gives what has come back since', () => {
    const bucket = new Bucket(rule, 0)
    expect(bucket.take(10, 0)).toBe(true)
    expect(bucket.take(1, 499)).toBe(false)
    expect(bucket.take(1, 500)).toBe(true)
    expect(bucket.take(1, 501)).toBe(false)
  })

  it('never holds more than its capacity, and takes nothing where it refuses', () => {
    const bucket = new Bucket(rule, 0)
    expect(bucket.take(11, 1e9)).toBe(false)
    expect(bucket.take(10, 1e9)).toBe(true)
    expect(bucket.take(1, 1e9)).toBe(false)
  })
})
