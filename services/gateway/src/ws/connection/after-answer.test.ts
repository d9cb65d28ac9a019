import { describe, expect, it } from '@jest/globals'
import { runAfterAnswer } from './after-answer.ts'
import { PendingWork } from '../engine/pending-work.ts'

describe('runAfterAnswer', () => {
  const logged: unknown[] = []
  const deps = { work: new PendingWork(), logger: { error: (line: unknown) => logged.push(line) } }

  it('runs nothing before the answer, and everything before a drain is over', async () => {
    const order: string[] = []
    runAfterAnswer(deps, () => order.push('followed'))
    order.push('answered')
    await Promise.resolve()
    expect(order).toEqual(['answered'])
    await deps.work.settle(1000)
    expect(order).toEqual(['answered', 'followed'])
  })

  it('logs what is thrown, and nothing else comes of it', async () => {
    const error = new Error('the adapter is gone')
    runAfterAnswer(deps, () => {
      throw error
    })
    await deps.work.settle(1000)
    expect(logged).toEqual([{ err: error }])
  })
})
