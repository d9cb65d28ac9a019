import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { readReply, toRequest, within, type ModelUnderTest } from '../support/model-client.ts'

/** What every model keeps, the built-in one included. `open` gives one that answers well. */
export function describeLlm(name: string, open: () => Promise<ModelUnderTest>): void {
  describe(`${name} as any model`, () => {
    let model: ModelUnderTest
    beforeEach(async () => {
      model = await open()
    })
    afterEach(() => model.close())

    it('streams text in pieces, counts tokens and says that the reply is whole', async () => {
      const outcome = await readReply(model.llm)
      expect(outcome.error).toBeUndefined()
      expect(outcome.ended).toBe(true)
      expect(outcome.pieces.length).toBeGreaterThan(1)
      expect(outcome.usage?.totalTokens).toBeGreaterThan(0)
      expect(outcome.usage?.totalTokens).toBe(
        (outcome.usage?.promptTokens ?? 0) + (outcome.usage?.completionTokens ?? 0),
      )
      expect(model.calls).toEqual(['ok'])
    })

    it('throws the abort reason and nothing else when it is aborted', async () => {
      const reason = new Error('the user pressed stop')
      const controller = new AbortController()
      const before = await readReply(model.llm, toRequest(), AbortSignal.abort(reason))
      expect(before).toMatchObject({ text: '', error: reason })
      const stream = model.llm.streamReply(toRequest(), controller.signal)[Symbol.asyncIterator]()
      expect((await stream.next()).done).toBe(false)
      controller.abort(reason)
      const drained = (async () => {
        while (!(await stream.next()).done);
      })()
      await expect(within(1000, drained)).rejects.toBe(reason)
      expect(model.calls).toEqual(['aborted', 'aborted'])
    })

    it('lets go of the signal it was given', async () => {
      const { signal, listening } = countListeners(new AbortController().signal)
      await readReply(model.llm, toRequest(), signal)
      expect(listening()).toBe(0)
    })

    it('answers 50 at once, each its own', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          readReply(model.llm, toRequest({ sessionId: `session-${index}` })),
        ),
      )
      expect(outcomes.map(({ ended, error }) => ({ ended, error }))).toEqual(
        outcomes.map(() => ({ ended: true, error: undefined })),
      )
    })
  })
}

interface Counted {
  signal: AbortSignal
  listening: () => number
}

function countListeners(signal: AbortSignal): Counted {
  let listeners = 0
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++
    add(...args)
  }
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--
    remove(...args)
  }
  return { signal, listening: () => listeners }
}
