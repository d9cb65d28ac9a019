import { describe, expect, it } from '@jest/globals'
import { RunningReplies, RunningReply } from './running-replies.ts'

describe('RunningReply', () => {
  it('is aborted once, and keeps the first reason', () => {
    const reply = new RunningReply()
    expect(reply.abortReason()).toBeUndefined()
    expect(reply.signal.aborted).toBe(false)
    reply.abort('stop')
    reply.abort('lost')
    expect(reply.abortReason()).toBe('stop')
    expect(reply.signal.reason).toMatchObject({ message: 'aborted: stop' })
  })
})

describe('RunningReplies', () => {
  it('stops the reply that is named, for as long as it is there', () => {
    const running = new RunningReplies()
    const [a, b, later] = [new RunningReply(), new RunningReply(), new RunningReply()]
    running.add('a', a)
    running.add('b', b)
    running.stop('a')
    running.stop('unknown')
    expect([a, b].map((reply) => reply.abortReason())).toEqual(['stop', undefined])
    const remove = running.add('a', later)
    remove()
    running.stop('a')
    expect(later.abortReason()).toBeUndefined()
  })

  it('goes on stopping a reply that it was given again before the first one ended', () => {
    const running = new RunningReplies()
    const [first, second] = [new RunningReply(), new RunningReply()]
    const remove = running.add('reply', first)
    running.add('reply', second)
    remove()
    running.stop('reply')
    expect(first.abortReason()).toBeUndefined()
    expect(second.abortReason()).toBe('stop')
  })
})
