import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import {
  sendStatus,
  startModelServer,
  streamPieces,
  type ModelServer,
} from '../environment/model-server.ts'
import { openModel, readReply, type ModelUnderTest } from '../support/model-client.ts'
import { encodeEvents, WIRES } from '../environment/model-wire.ts'

let server: ModelServer
let model: ModelUnderTest

beforeEach(async () => {
  server = await startModelServer()
  model = openModel({ type: 'openai', endpoint: server.url }, { breakerOpenMs: 100 })
})
afterEach(async () => {
  await model.close()
  await server.stop()
})

describe('a provider that is down', () => {
  it('is left alone after five failures and asked again after a while', async () => {
    server.answer(sendStatus(503))
    for (let call = 0; call < 8; call++) await readReply(model.llm)
    expect(server.requests).toHaveLength(5)
    expect(model.calls).toEqual(Array(5).fill('unavailable'))
    expect(model.breaker).toEqual([false, true])
    server.answer(streamPieces([encodeEvents(WIRES.openai.events({ pieces: ['back'] }))]))
    const deadline = Date.now() + 2000
    while (!(await readReply(model.llm)).ended) expect(Date.now()).toBeLessThan(deadline)
    expect(model.breaker).toEqual([false, true, false])
    expect(model.logged).toHaveLength(2)
    expect(server.requests).toHaveLength(6)
  })

  it('does not touch another provider', async () => {
    const other = openModel({ type: 'demo' }, { pause: () => Promise.resolve() })
    server.answer(sendStatus(503))
    for (let call = 0; call < 6; call++) await readReply(model.llm)
    expect((await readReply(other.llm)).ended).toBe(true)
    await other.close()
  })
})
