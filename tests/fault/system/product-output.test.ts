import { createBackendHooks, createLogger, createMetrics } from '@chatbox/kit'
import { describe, expect, it } from '@jest/globals'
import { parseRefusedPayload } from './product-output.ts'

function openHooks() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger('gateway', 'warn', { destination })
  return { lines, hooks: createBackendHooks({ logger, metrics: createMetrics() }) }
}

describe('parseRefusedPayload', () => {
  it('reads what the product writes', () => {
    const { lines, hooks } = openHooks()
    hooks.onPayloadRefused('message', { sessionId: 's1', messageId: 'm1' })
    expect(lines.map(parseRefusedPayload)).toEqual([
      { source: 'message', ids: { sessionId: 's1', messageId: 'm1' } },
    ])
  })

  it('passes over every other line', () => {
    const { lines, hooks } = openHooks()
    hooks.onError('mongo', new Error('a payload was refused by its schema'))
    hooks.onPayloadRefused('job', { jobId: 'j1' })
    const [failed = '', refused = ''] = lines
    for (const line of [failed, refused.slice(0, -5), '', '(node:1) Warning: {']) {
      expect(parseRefusedPayload(line)).toBeUndefined()
    }
  })
})
