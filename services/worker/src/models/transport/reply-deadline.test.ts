import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { ReplyDeadline } from './reply-deadline.ts'

const TIMEOUTS = {
  connectMs: 1,
  firstTokenMs: 1000,
  idleMs: 100,
  keptAliveMs: 2000,
  endingMs: 50,
  totalMs: 5000,
}

describe('the deadline of a reply', () => {
  let deadline: ReplyDeadline
  beforeEach(() => {
    jest.useFakeTimers()
    deadline = new ReplyDeadline(new AbortController().signal, TIMEOUTS)
    deadline.resume()
  })
  afterEach(() => {
    deadline.stop()
    expect(jest.getTimerCount()).toBe(0)
    jest.useRealTimers()
  })

  /** What came in the same turn counts, so that the next turn decides. */
  const reason = (): unknown => {
    jest.advanceTimersByTime(1)
    return deadline.signal.reason
  }
  /** A token is read, and the next one waited for at once. */
  const token = (): void => {
    deadline.pause()
    deadline.begun()
    deadline.resume()
  }

  it('ends when there is no first token', () => {
    jest.advanceTimersByTime(999)
    expect(deadline.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(reason()).toMatchObject({
      code: 'LLM_TIMEOUT',
      detail: 'no first token within 1000 ms',
    })
  })

  it('counts the idle time from the last token, over any number of them', () => {
    for (let tokens = 0; tokens < 30; tokens++) {
      jest.advanceTimersByTime(90)
      token()
    }
    jest.advanceTimersByTime(99)
    expect(deadline.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(reason()).toMatchObject({ detail: 'no next token within 100 ms' })
  })

  /** Keep-alives every 90 ms. */
  const keepAlive = (forMs: number): void => {
    for (let elapsedMs = 0; elapsedMs < forMs; elapsedMs += 90) {
      jest.advanceTimersByTime(90)
      deadline.alive()
    }
  }

  it('waits longer while the provider keeps the connection alive, and not for ever', () => {
    keepAlive(1900)
    expect(deadline.signal.aborted).toBe(false)
    keepAlive(200)
    expect(reason()).toMatchObject({ detail: 'no first token within 2000 ms' })
  })

  it('waits for the next token in the same way', () => {
    token()
    keepAlive(1900)
    expect(deadline.signal.aborted).toBe(false)
    keepAlive(200)
    expect(reason()).toMatchObject({ detail: 'no next token within 2000 ms' })
  })

  it('ends when the keep-alives stop', () => {
    token()
    keepAlive(500)
    jest.advanceTimersByTime(99)
    expect(deadline.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(reason()).toMatchObject({ detail: 'no next token within 100 ms' })
  })

  it('takes what arrived while the process was blocked', () => {
    token()
    jest.advanceTimersByTime(100)
    deadline.alive()
    expect(reason()).toBeUndefined()
    jest.advanceTimersByTime(100)
    expect(reason()).toMatchObject({ detail: 'no next token within 100 ms' })
  })

  it('waits only shortly after the reason for the end', () => {
    token()
    deadline.ending()
    jest.advanceTimersByTime(49)
    expect(deadline.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(reason()).toMatchObject({ detail: 'no end of the stream within 50 ms' })
  })

  it('does not count the time of the reader, and goes on after it', () => {
    token()
    deadline.pause()
    jest.advanceTimersByTime(3000)
    expect(deadline.signal.aborted).toBe(false)
    deadline.resume()
    jest.advanceTimersByTime(99)
    expect(deadline.signal.aborted).toBe(false)
    jest.advanceTimersByTime(1)
    expect(reason()).toMatchObject({ detail: 'no next token within 100 ms' })
  })

  it('ends in any case when the whole has taken too long', () => {
    for (let elapsedMs = 0; elapsedMs < 4950; elapsedMs += 50) {
      token()
      jest.advanceTimersByTime(50)
    }
    expect(deadline.signal.aborted).toBe(false)
    token()
    jest.advanceTimersByTime(50)
    expect(reason()).toMatchObject({ detail: 'no end of the reply within 5000 ms' })
  })
})
