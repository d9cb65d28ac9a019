import { describe, expect, it } from '@jest/globals'
import { PulledAnswer } from './model-server.ts'

describe('PulledAnswer', () => {
  it('is not waited for where its caller has gone before it is asked for', async () => {
    const answer = new PulledAnswer(AbortSignal.abort(new Error('stop')))
    const late = new Promise((resolve) => setTimeout(resolve, 1000, 'late').unref())
    await expect(Promise.race([answer.started, late])).rejects.toThrow('stop')
    await expect(answer.read()).rejects.toThrow('stop')
  })
})
