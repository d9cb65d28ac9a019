import { describe, expect, it } from '@jest/globals'
import { createBackendHooks } from './backend-hooks.ts'
import { createLogger } from '../logging/logger.ts'
import { createMetrics } from '../metrics/metrics.ts'

function openHooks() {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const metrics = createMetrics()
  const hooks = createBackendHooks({
    metrics,
    logger: createLogger('test', 'info', { destination }),
  })
  return { hooks, lines, text: () => metrics.registry.metrics() }
}

describe('createBackendHooks', () => {
  it('counts every failure and writes the same one once', async () => {
    const { hooks, lines, text } = openHooks()
    const refused = new AggregateError([new Error('connect ECONNREFUSED 127.0.0.1:1')])
    for (let i = 0; i < 50; i++) hooks.onError('redis', refused)
    hooks.onError('store', refused)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toContain('"reason":"connect ECONNREFUSED 127.0.0.1:1"')
    expect(lines.join('')).not.toContain('stack')
    expect(await text()).toContain('chatbox_backend_failures_total{component="redis"} 50')
  })

  it('counts losses, gaps and refused payloads, and names the last by ids', async () => {
    const { hooks, lines, text } = openHooks()
    hooks.onPublishFailed()
    hooks.onGap()
    hooks.onPayloadRefused('job', { jobId: 'j1' })
    expect(lines).toHaveLength(2)
    expect(lines[1]).toContain('"jobId":"j1"')
    const metrics = await text()
    expect(metrics).toContain('chatbox_publish_failures_total 1')
    expect(metrics).toContain('chatbox_subscription_gaps_total 1')
    expect(metrics).toContain('chatbox_payloads_refused_total{source="job"} 1')
    expect(metrics).not.toContain('forged-payload')
  })

  it('counts a sealed payload that does not open as forged', async () => {
    const { hooks, text } = openHooks()
    for (const source of ['bus', 'stop', 'broadcast']) hooks.onPayloadRefused(source, {})
    expect(await text()).toContain('chatbox_security_events_total{kind="forged-payload"} 3')
  })

  it('says each step on the schema, and each time that it waits for one', () => {
    const { hooks, lines } = openHooks()
    hooks.onSchemaStep({ step: 1, name: 'create the indexes', ms: 12 })
    hooks.onSchemaWait(2)
    hooks.onSchemaWait(2)
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/"step":1,"ms":12,.*"done: create the indexes"/)
    expect(lines[2]).toContain('"version":2')
  })
})
