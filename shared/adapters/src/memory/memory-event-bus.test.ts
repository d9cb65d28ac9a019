import { describe, expect, it, jest } from '@jest/globals'
import type { AdapterHooks } from '@chatbox/core'
import { createMemoryEventBus } from './memory-event-bus.ts'

describe('createMemoryEventBus', () => {
  it('drops and counts what is published beyond 10,000 undelivered events', async () => {
    const onPublishFailed = jest.fn()
    const bus = createMemoryEventBus({ onPublishFailed } as unknown as AdapterHooks)
    const heard: string[] = []
    await bus.onStop((replyId) => heard.push(replyId))
    for (let index = 0; index < 10_001; index += 1) void bus.publishStop(`reply-${index}`)
    expect(onPublishFailed).toHaveBeenCalledTimes(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(heard).toHaveLength(10_000)
    await bus.publishStop('late')
    expect(onPublishFailed).toHaveBeenCalledTimes(1)
  })
})
