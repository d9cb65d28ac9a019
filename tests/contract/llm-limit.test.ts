import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Llm } from '@chatbox/core'
import { heedLimit, ProviderLimit } from '../../services/worker/src/models/provider-limit.ts'
import {
  sendStatus,
  startModelServer,
  streamPieces,
  type Answer,
  type ModelServer,
} from '../environment/model-server.ts'
import { encodeEvents, WIRES } from '../environment/model-wire.ts'
import { openModel, readReply, type ModelUnderTest } from '../support/model-client.ts'

const GOOD = streamPieces([encodeEvents(WIRES.openai.events({ pieces: ['here'] }))])

let server: ModelServer
let model: ModelUnderTest
let llm: Llm
let pauses: number[]

beforeEach(async () => {
  server = await startModelServer()
  model = openModel({ type: 'openai', endpoint: server.url })
  pauses = []
  const options = { maxWaiting: 100, onPause: (ms: number) => void pauses.push(ms) }
  llm = heedLimit(model.llm, new ProviderLimit(options))
})
afterEach(async () => {
  await model.close()
  await server.stop()
})

const refuse = (status: number, headers: Record<string, string> = {}): Answer =>
  sendStatus(status, '{"error":{"message":"slow down"}}', headers)
/** A date has whole seconds, so that this is between one and two. */
const refuseForTwoSeconds: Answer = (exchange) =>
  refuse(429, { 'retry-after': new Date(Date.now() + 2000).toUTCString() })(exchange)

it.each<[string, Answer, { lowMs: number; highMs: number }]>([
  ['429 with seconds', refuse(429, { 'retry-after': '1' }), { lowMs: 1000, highMs: 1000 }],
  ['429 with a date', refuseForTwoSeconds, { lowMs: 900, highMs: 2000 }],
  ['429 without a time', refuse(429), { lowMs: 500, highMs: 1000 }],
  ['503 with seconds', refuse(503, { 'retry-after': '1' }), { lowMs: 1000, highMs: 1000 }],
  ['529 with seconds', refuse(529, { 'retry-after': '0.3' }), { lowMs: 300, highMs: 300 }],
])('waits and asks again after %s', async (_what, refusal, { lowMs, highMs }) => {
  server.answer(refusal, GOOD)
  expect(await readReply(llm)).toMatchObject({ ended: true, text: 'here' })
  expect(server.requests).toHaveLength(2)
  expect(pauses).toHaveLength(1)
  expect(pauses[0]).toBeGreaterThanOrEqual(lowMs)
  expect(pauses[0]).toBeLessThanOrEqual(highMs)
})

it.each<[string, Answer]>([
  ['a fault of the provider', refuse(503)],
  ['a used-up quota', sendStatus(429, '{"error":{"code":"insufficient_quota"}}')],
  ['a wrong key', refuse(401, { 'retry-after': '1' })],
])('does not wait after %s', async (_what, refusal) => {
  server.answer(refusal, GOOD)
  expect(await readReply(llm)).toMatchObject({ error: { code: 'LLM_UNAVAILABLE' } })
  expect(server.requests).toHaveLength(1)
  expect(pauses).toEqual([])
})

it('does not open the circuit breaker', async () => {
  server.answer(...Array<Answer>(6).fill(refuse(429, { 'retry-after': '0' })), GOOD)
  expect((await readReply(llm)).ended).toBe(true)
  expect(model.breaker).toEqual([false])
})
