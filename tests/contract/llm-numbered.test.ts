import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openModel, readReply, toRequest } from '../support/model-client.ts'
import type { Protocol } from '../support/model-wire.ts'
import {
  numberedText,
  startNumberedModelServer,
  type NumberedModelServer,
} from '../support/numbered-model-server.ts'

const PROTOCOLS: Protocol[] = ['openai', 'anthropic', 'dify']

let server: NumberedModelServer

beforeEach(async () => {
  server = await startNumberedModelServer({ tokens: 12, intervalMs: 1 })
})
afterEach(() => server.stop())

describe('the server of numbered tokens', () => {
  it.each(PROTOCOLS)('counts in the protocol of %s', async (type) => {
    const model = openModel({ type, endpoint: server.url + '/v1' })
    const outcome = await readReply(model.llm)
    expect(outcome).toMatchObject({ text: numberedText(12), ended: true })
    expect(outcome.usage).toMatchObject({ completionTokens: 12 })
    await model.close()
  })

  it('knows how many replies it streams, and changes when told', async () => {
    server.set({ tokens: 1000, intervalMs: 10 })
    const model = openModel({ type: 'openai', endpoint: server.url })
    const controller = new AbortController()
    const reply = readReply(model.llm, toRequest(), controller.signal)
    await server.received(1)
    await until(() => server.streaming() === 1)
    controller.abort(new Error('enough'))
    await reply
    await until(() => server.streaming() === 0)
    await model.close()
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = Date.now() + 2000
  while (!isTrue()) {
    if (Date.now() > deadline) throw new Error('not in time')
    await nextTurn()
  }
}
