import { describe, expect, it } from '@jest/globals'
import type { ReplyDelta } from '@chatbox/contract'
import { MemoryDrafts } from './memory-drafts.ts'

const delta = (replyId: string, index = 0): ReplyDelta => ({
  sessionId: 'session',
  replyId,
  attempt: 1,
  index,
  text: 'text',
})

describe('MemoryDrafts', () => {
  it('forgets a draft ten minutes after its last delta', () => {
    let now = 0
    const drafts = new MemoryDrafts(() => now)
    drafts.append(delta('reply'), () => '')
    now = 500_000
    drafts.append(delta('reply', 1), () => '')
    now = 1_099_999
    expect(drafts.read('reply')).toMatchObject({ text: 'texttext' })
    now = 1_100_000
    expect(drafts.read('reply')).toBeUndefined()
  })

  it('has room for 500, and forgets the one that rests longest', () => {
    const drafts = new MemoryDrafts()
    drafts.append(delta('resting'), () => '')
    drafts.append(delta('busy'), () => '')
    for (let count = 0; count < 499; count++) {
      drafts.append(delta(`reply-${count}`), () => '')
      drafts.append(delta('busy', count + 1), () => '')
    }
    drafts.append(delta('one-more'), () => '')
    expect(drafts.read('resting')).toBeUndefined()
    expect(drafts.read('busy')).toMatchObject({ index: 500 })
  })
})
