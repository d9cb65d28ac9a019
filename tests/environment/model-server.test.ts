import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { openModel, readReply, toRequest } from '../support/model-client.ts'
import { startModelServer, streamReply, streamTokens, textOfTokens } from './model-server.ts'
import type { ModelServer } from './model-server.ts'
import type { Protocol } from './model-wire.ts'
import { waitUntil } from './wait-until.ts'

const PROTOCOLS: Protocol[] = ['openai', 'anthropic', 'dify']

let server: ModelServer

beforeEach(async () => {
  server = await startModelServer(streamTokens)
})
afterEach(() => server.stop())

describe('the model server', () => {
  it.each(PROTOCOLS)('counts as far as it is asked to in the protocol of %s', async (type) => {
    const model = openModel({ type, endpoint: server.url + '/v1' })
    const request = toRequest({ messages: [{ role: 'user', content: 'tokens=12' }] })
    const outcome = await readReply(model.llm, request)
    expect(outcome).toMatchObject({ text: textOfTokens(12), ended: true })
    expect(outcome.usage).toMatchObject({ completionTokens: 12 })
    await model.close()
  })

  it('knows how many replies it streams, and keeps their pace', async () => {
    const pieces = Array.from({ length: 1000 }, (_, index) => `${index} `)
    server.answer(streamReply({ pieces, intervalMs: 10 }))
    const model = openModel({ type: 'openai', endpoint: server.url })
    const controller = new AbortController()
    const startedAt = performance.now()
    const reply = readReply(model.llm, toRequest(), controller.signal)
    await server.received(1)
    await waitUntil(() => server.streaming() === 1)
    await waitUntil(() => performance.now() - startedAt > 300)
    controller.abort(new Error('enough'))
    const { text } = await reply
    const elapsedMs = performance.now() - startedAt
    expect(text.split(' ').length).toBeLessThanOrEqual(elapsedMs / 10 + 1)
    await waitUntil(() => server.streaming() === 0)
    await model.close()
  })
})
