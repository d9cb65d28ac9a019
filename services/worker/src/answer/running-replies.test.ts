import { describe, expect, it } from '@jest/globals'
import { RunningReplies } from './running-replies.ts'

describe('RunningReplies', () => {
  it('stops the reply that is named, for as long as it is watched', () => {
    const running = new RunningReplies()
    const stopped: string[] = []
    const unwatch = running.watch('a', () => stopped.push('a'))
    running.watch('b', () => stopped.push('b'))
    running.stop('a')
    expect(stopped).toEqual(['a'])
    unwatch()
    running.stop('a')
    running.stop('unknown')
    expect(stopped).toEqual(['a'])
  })

  it('goes on watching a reply that it was given again before the first watch ended', () => {
    const running = new RunningReplies()
    const stopped: string[] = []
    const unwatch = running.watch('reply', () => stopped.push('first'))
    running.watch('reply', () => stopped.push('second'))
    unwatch()
    running.stop('reply')
    expect(stopped).toEqual(['second'])
  })
})
