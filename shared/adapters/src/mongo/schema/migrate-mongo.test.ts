import { describe, expect, it } from '@jest/globals'
import { createPatience } from './migrate-mongo.ts'

function createLab() {
  let now = 0
  const patience = createPatience(1000, () => now)
  const pass = (ms: number): boolean => {
    now += ms
    return patience.isOver()
  }
  return { patience, pass }
}

describe('createPatience', () => {
  it('is over when the store has not answered for that long', () => {
    const { patience, pass } = createLab()
    expect(pass(999)).toBe(false)
    patience.sees(0)
    expect(pass(999)).toBe(false)
    expect(pass(1)).toBe(true)
  })

  it('lasts for as long as a step is under way', () => {
    const { patience, pass } = createLab()
    patience.sees(0)
    pass(5000)
    patience.goesOn()
    expect(pass(999)).toBe(false)
    expect(pass(1)).toBe(true)
  })

  it('counts from the last finished step once one has failed', () => {
    const { patience, pass } = createLab()
    patience.sees(0)
    pass(600)
    patience.fails()
    patience.goesOn()
    patience.sees(0)
    expect(pass(399)).toBe(false)
    expect(pass(1)).toBe(true)
    patience.sees(1)
    expect(pass(999)).toBe(false)
    patience.goesOn()
    expect(pass(999)).toBe(false)
  })
})
