import { describe, expect, it } from '@jest/globals'
import { createMetrics, type Metrics } from './metrics.ts'

/** One call of each, so that a metric that nothing moves cannot be added unseen. */
function moveAll(metrics: Metrics): void {
  metrics.connections(1)
  metrics.handshakeRefused('UNAUTHORIZED')
  metrics.eventAnswered('message:send', 'ok', 0.01)
  metrics.httpAnswered('listModels', 200, 0.01)
  metrics.messageAccepted()
  metrics.rateLimited('message')
  metrics.sessionResynced(3, 0.02)
  metrics.deltaDropped()
  metrics.slowReaderClosed()
  metrics.replyFinished('demo', 'complete', 1)
  metrics.firstDelta('demo', 0.1)
  metrics.deltaPublished()
  metrics.tokensUsed('demo', 3, 4)
  metrics.providerCalled('demo', 'ok')
  metrics.breakerOpen('demo', true)
  metrics.replyTakenOver()
  metrics.writeFenced()
  metrics.leaseLost()
  metrics.reconciled('pending')
  metrics.jobDone('answer-message', 'done', 1)
  metrics.backendFailed('redis')
  metrics.publishFailed()
  metrics.subscriptionGap()
  metrics.payloadRefused('bus')
}

async function ownSeries(metrics: Metrics): Promise<Map<string, string>> {
  const lines = (await metrics.registry.metrics()).split('\n')
  return new Map(
    lines
      .filter((line) => line.startsWith('chatbox_'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), line.slice(line.lastIndexOf(' ') + 1)]),
  )
}

describe('createMetrics', () => {
  it('has no metric that its functions do not move', async () => {
    const metrics = createMetrics()
    const names = metrics.registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .filter((name) => name.startsWith('chatbox_'))
    moveAll(metrics)
    const series = await ownSeries(metrics)
    for (const name of names) {
      const values = [...series].filter(([key]) => key.startsWith(name)).map(([, value]) => value)
      expect(values.some((value) => value !== '0')).toBe(true)
    }
  })

  it('names units and says what one observation is', () => {
    for (const { name, help, type } of describeAll(createMetrics())) {
      expect(name).toMatch(/^chatbox_[a-z_]+$/)
      expect(help).toMatch(/^[A-Z].{15,}\.$/)
      if (type === 'counter') expect(name).toMatch(/_total$/)
      if (type === 'histogram') expect(name).toMatch(/_(seconds|entries)$/)
    }
  })

  it('calls label values beyond a cap other', async () => {
    const metrics = createMetrics()
    for (let i = 0; i < 1000; i++) metrics.handshakeRefused(`CODE_${i}`)
    metrics.handshakeRefused('CODE_0')
    const series = await ownSeries(metrics)
    expect(series.get('chatbox_handshakes_refused_total{code="CODE_0"}')).toBe('2')
    expect(series.get('chatbox_handshakes_refused_total{code="other"}')).toBe('960')
    expect(series.size).toBeLessThan(200)
  })

  it('counts apart in two registries of one process', async () => {
    const [one, two] = [createMetrics(), createMetrics()]
    one.messageAccepted()
    expect((await ownSeries(one)).get('chatbox_messages_accepted_total')).toBe('1')
    expect((await ownSeries(two)).get('chatbox_messages_accepted_total')).toBe('0')
  })
})

function describeAll(metrics: Metrics) {
  return metrics.registry
    .getMetricsAsArray()
    .filter(({ name }) => name.startsWith('chatbox_'))
    .map(({ name, help, type }) => ({ name, help, type: String(type) }))
}
