import { describe, expect, it } from '@jest/globals'
import { Dialect, refusesSystem, type Refused } from './dialect.ts'

const asked = { status: 400, text: 'no x please' }

/** A call that heeded these traits, for a conversation of these texts. */
function call(heeded: string[] = [], ...texts: string[]): Refused {
  const messages = texts.map((content) => ({ role: 'user' as const, content }))
  return { request: { messages }, heeded: new Set(heeded) }
}

describe('a dialect', () => {
  const tests = { x: (text: string) => /\bx\b/.test(text), y: (text: string) => /\by\b/.test(text) }

  it('has a trait after a refusal that asks for it, and not for ever', () => {
    let now = 0
    const dialect = new Dialect(tests, () => now)
    expect([...dialect.traits()]).toEqual([])
    expect(dialect.learn(asked, call())).toBe(true)
    expect([...dialect.traits()]).toEqual(['x'])
    now = 3_599_999
    // A call from before the first refusal. It is asked again, and lengthens nothing.
    expect(dialect.learn(asked, call())).toBe(true)
    expect([...dialect.traits()]).toEqual(['x'])
    now = 3_600_000
    expect([...dialect.traits()]).toEqual([])
  })

  it('learns all that one refusal asks for', () => {
    const dialect = new Dialect(tests)
    dialect.learn({ status: 422, text: 'neither x nor y' }, call())
    expect([...dialect.traits()]).toEqual(['x', 'y'])
  })

  it('forgets a trait where a call that heeded it is refused for it', () => {
    const dialect = new Dialect(tests)
    dialect.learn({ status: 400, text: 'neither x nor y' }, call())
    expect(dialect.learn(asked, call(['x', 'y']))).toBe(true)
    expect([...dialect.traits()]).toEqual(['y'])
    // Another call of the same time is asked again too, and does not bring it back.
    expect(dialect.learn(asked, call(['x', 'y']))).toBe(true)
    expect([...dialect.traits()]).toEqual(['y'])
  })

  it('learns nothing from what a refusal quotes', () => {
    const dialect = new Dialect(tests)
    const words = 'Please say: no x please, and no y.'
    for (const text of [`bad input: ${words}`, JSON.stringify({ input: words.toUpperCase() })]) {
      expect(dialect.learn({ status: 400, text }, call([], 'Hello', words))).toBe(false)
    }
    expect([...dialect.traits()]).toEqual([])
    expect(dialect.learn({ status: 400, text: `no x in "${words}"` }, call([], words))).toBe(true)
    expect([...dialect.traits()]).toEqual(['x'])
  })

  it.each([401, 403, 404, 408, 413, 429, 502, 503])('learns nothing from status %i', (status) => {
    const dialect = new Dialect(tests)
    expect(dialect.learn({ ...asked, status }, call())).toBe(false)
    expect([...dialect.traits()]).toEqual([])
  })
})

describe('a refusal of the system role', () => {
  it.each([
    `{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'system' with this model.","type":"invalid_request_error","param":"messages[0].role","code":"unsupported_value"}}`,
    `{"error":{"message":"Unsupported value: 'messages[0].role' does not support 'developer' with this model."}}`,
    '{"error":{"code":500,"message":"System role not supported at row 1, column 48:\\n{{ bos_token }}","type":"server_error"}}',
    '{"object":"error","message":"System role not supported System role not supported","type":"BadRequestError","code":400}',
    '{"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/...","code":400}',
    '{"object":"error","message":"Only user and assistant roles are supported!","code":400}',
    '{"error":{"code":400,"message":"Developer instruction is not enabled for models/gemma-3-27b-it","status":"INVALID_ARGUMENT"}}',
    `{"error":{"type":"invalid_request_error","message":"role 'system' is not supported on this model"}}`,
    '{"error":"this model doesn\'t support system messages"}',
    '{"error":{"message":"invalid role: \\"system\\""}}',
    `{"detail":[{"type":"literal_error","loc":["body","messages",0,"role"],"msg":"Input should be 'user' or 'assistant'","input":"system"}]}`,
    '{"error":{"message":"system: Extra inputs are not permitted"}}',
    '{"error":{"message":"The conversation must start with a user message."}}',
  ])('is %s', (text) => {
    expect(refusesSystem(text)).toBe(true)
  })

  it.each([
    '{"error":{"message":"Unknown field stream_options"}}',
    `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."}}`,
    '{"error":{"message":"The model `x` does not exist"}}',
    '{"error":{"message":"The system is overloaded. This endpoint is not available."}}',
    '{"error":{"message":"messages: at least one message is required"}}',
    '',
  ])('is not %s', (text) => {
    expect(refusesSystem(text)).toBe(false)
  })
})
