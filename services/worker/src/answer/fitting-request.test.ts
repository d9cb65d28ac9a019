import { describe, expect, it } from '@jest/globals'
import type { HistorySize } from '@chatbox/core'
import { Remembered } from '../models/remembered.ts'
import { FittingRequest } from './fitting-request.ts'

/** A session of so many messages before the question, ten tokens each. */
function createSession(conversationRef?: string) {
  const lengths = new Remembered<string, HistorySize>({ max: 10, forMs: 1000 })
  const open = (messages: number, sessionId = 's') =>
    new FittingRequest({
      sessionId,
      lengths,
      toRequest: (most = { messages: Infinity, tokens: Infinity }) => {
        const sent = Math.min(messages, most.messages, Math.floor(most.tokens / 10))
        const history = { messages: sent, tokens: 10 * sent }
        const content = `after ${sent}`
        const base = { sessionId, userId: 'u', requestId: 'r', system: '', conversationRef }
        return { request: { ...base, messages: [{ role: 'user', content }] }, history }
      },
    })
  return { lengths, open }
}

const sentBy = (request: FittingRequest) => request.current.messages[0]?.content

describe('a request to a model whose window is smaller than it says', () => {
  it('is halved, then goes alone, and then nothing is left', () => {
    const request = createSession().open(8)
    expect(sentBy(request)).toBe('after 8')
    expect(request.shorten()).toBe(true)
    expect(sentBy(request)).toBe('after 4')
    expect(request.shorten()).toBe(true)
    expect(sentBy(request)).toBe('after 0')
    expect(request.shorten()).toBe(false)
    expect(sentBy(request)).toBe('after 0')
  })

  it('has nothing to leave out where the question is alone', () => {
    expect(createSession().open(0).shorten()).toBe(false)
  })

  it('teaches the session, once it is accepted, and no other session', () => {
    const { open } = createSession()
    const first = open(8)
    first.shorten()
    expect(sentBy(open(10))).toBe('after 10')
    first.accept()
    expect(sentBy(open(10))).toBe('after 4')
    expect(sentBy(open(10, 'other'))).toBe('after 10')
  })

  it('teaches half of the last refused length', () => {
    const { open } = createSession()
    for (const next of ['after 2', 'after 0']) {
      const request = open(8)
      request.shorten()
      request.shorten()
      request.accept()
      expect(sentBy(open(8))).toBe(next)
    }
  })

  it('always tries the exchange before, unless its text was too long', () => {
    const { open, lengths } = createSession()
    const request = open(2)
    request.shorten()
    request.accept()
    expect(lengths.get('s')).toEqual({ messages: 2, tokens: 10 })
  })

  it('teaches nothing where even the question alone was refused', () => {
    const { open, lengths } = createSession()
    const request = open(8)
    while (request.shorten());
    expect(lengths.get('s')).toBeUndefined()
  })

  it('begins a new conversation at a provider that keeps the history itself', () => {
    const { open } = createSession('c-1')
    const request = open(0)
    expect(request.current.conversationRef).toBe('c-1')
    expect(request.shorten()).toBe(true)
    expect(request.current.conversationRef).toBeUndefined()
    expect(request.shorten()).toBe(false)
  })
})
