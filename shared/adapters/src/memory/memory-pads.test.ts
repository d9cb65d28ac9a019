import { describe, expect, it } from '@jest/globals'
import { createMemoryPads } from './memory-pads.ts'

const delta = (
  replyId: string,
  index = 0,
): Parameters<ReturnType<typeof createMemoryPads>['append']>[0] => ({
  sessionId: 'session',
  replyId,
  attempt: 1,
  index,
  text: 'text',
})

describe('createMemoryPads', () => {
  it('forgets a draft ten minutes after its last delta', () => {
    let now = 0
    const pads = createMemoryPads(() => now)
    pads.append(delta('reply'), () => '')
    now = 500_000
    pads.append(delta('reply', 1), () => '')
    now = 1_099_999
    expect(pads.read('reply')).toMatchObject({ text: 'texttext' })
    now = 1_100_000
    expect(pads.read('reply')).toBeUndefined()
  })

  it('has room for 500, and forgets the one that rests longest', () => {
    const pads = createMemoryPads()
    pads.append(delta('resting'), () => '')
    pads.append(delta('busy'), () => '')
    for (let count = 0; count < 499; count++) {
      pads.append(delta(`reply-${count}`), () => '')
      pads.append(delta('busy', count + 1), () => '')
    }
    pads.append(delta('one-more'), () => '')
    expect(pads.read('resting')).toBeUndefined()
    expect(pads.read('busy')).toMatchObject({ index: 500 })
  })
})
