import { describe, expect, it } from '@jest/globals'
import type { ReplyDelta } from '@chatbox/contract'
import {
  addDelta,
  joinReply,
  startAttempt,
  toDraft,
  toUnknownDraft,
  wantsCatchUp,
} from './draft.ts'

const known = { replyId: 'r', replyTo: 'q', modelId: 'm' }
const start = (attempt: number) => ({ ...known, sessionId: 's', attempt })
const reply = (attempt: number, index: number, text: string) => ({
  ...known,
  attempt,
  index,
  text,
})
const delta = (attempt: number, index: number, text: string): ReplyDelta => ({
  sessionId: 's',
  replyId: 'r',
  attempt,
  index,
  text,
})
/** Frames 0 and 1 of attempt 2 are here, and frame 3, which waits. */
const draft = addDelta(toDraft(reply(2, 2, 'ab')), delta(2, 3, 'd'))

describe('the start of an attempt', () => {
  it('empties a draft of a lower attempt at once', () => {
    expect(startAttempt(draft, start(3))).toEqual(toDraft(start(3)))
  })

  it('says of a draft that only deltas were seen of what it answers', () => {
    const unknown = addDelta(toUnknownDraft(delta(1, 0, 'a')), delta(1, 0, 'a'))
    expect(wantsCatchUp(unknown)).toBe(true)
    const named = startAttempt(unknown, start(1))
    expect(named).toMatchObject({ replyTo: 'q', modelId: 'm', index: 1, text: 'a' })
    expect(wantsCatchUp(named)).toBe(false)
  })

  it('of a lower one changes nothing', () => {
    expect(startAttempt(draft, start(1))).toBe(draft)
  })
})

describe('a delta', () => {
  it('that is there changes nothing, also while it waits', () => {
    expect(addDelta(draft, delta(2, 0, 'a'))).toBe(draft)
    expect(addDelta(draft, delta(2, 3, 'd')).ahead).toEqual(draft.ahead)
  })

  it('that was missing brings those that waited for it, and nothing waits any more', () => {
    const whole = addDelta(draft, delta(2, 2, 'c'))
    expect(whole).toMatchObject({ index: 4, text: 'abcd', ahead: [] })
    expect(wantsCatchUp(whole)).toBe(false)
  })
})

describe('what the server tells of a reply', () => {
  it('fills the hole before what waits', () => {
    expect(joinReply(draft, reply(2, 3, 'abc'))).toMatchObject({
      index: 4,
      text: 'abcd',
      ahead: [],
    })
  })

  it('keeps the longer text of the same attempt', () => {
    const longer = joinReply(draft, reply(2, 1, 'a'))
    expect(longer).toMatchObject({ index: 2, text: 'ab', ahead: [{ index: 3 }] })
  })

  it('replaces a lower attempt with all that waited, and not a higher one', () => {
    expect(joinReply(draft, reply(3, 1, 'x'))).toEqual(toDraft(reply(3, 1, 'x')))
    expect(joinReply(draft, reply(1, 9, 'old'))).toBe(draft)
  })
})
