import { describe, expect, it } from '@jest/globals'
import { PendingWork } from './pending-work.ts'

describe('PendingWork', () => {
  const logged: unknown[] = []
  const work = new PendingWork({ error: (line: unknown) => logged.push(line) })

  it('runs nothing before the answer, and everything before a drain is over', async () => {
    const order: string[] = []
    work.runAfterAnswer(() => order.push('followed'))
    order.push('answered')
    await Promise.resolve()
    expect(order).toEqual(['answered'])
    await work.settle(1000)
    expect(order).toEqual(['answered', 'followed'])
  })

  it('logs what is thrown, and nothing else comes of it', async () => {
    const error = new Error('the adapter is gone')
    work.runAfterAnswer(() => {
      throw error
    })
    await work.settle(1000)
    expect(logged).toEqual([{ err: error }])
  })

  it('waits for what is begun meanwhile, and for no work longer than it is told', async () => {
    let isDone = false
    let finish: () => void = () => undefined
    const later = new Promise<void>((resolve) => {
      finish = () => {
        isDone = true
        resolve()
      }
    })
    work.runAfterAnswer(() => work.add(later))
    await work.settle(20)
    expect(isDone).toBe(false)
    const settled = work.settle(1000)
    finish()
    await settled
    expect(isDone).toBe(true)
  })
})
