import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { createMetrics, VERSION, type Metrics } from './metrics.ts'

/** One call of each, so that a metric that nothing moves cannot be added unseen. */
function moveAll(metrics: Metrics): void {
  metrics.processStarted('gateway')
  metrics.draining()
  metrics.gatewayStarted(5000)
  metrics.connections(1)
  metrics.disconnected('drain')
  metrics.handshakeRefused('UNAUTHORIZED')
  metrics.eventAnswered('message:send', 'ok', 0.01)
  metrics.httpAnswered('listModels', 200, 0.01)
  metrics.messageAccepted()
  metrics.rateLimited('message')
  metrics.sessionResynced(3, 0.02)
  metrics.deltaDropped()
  metrics.slowReaderClosed()
  metrics.securityEvent('limit-hit')
  metrics.helpChanged('requested')
  metrics.takeoverChanged('started')
  metrics.replyCut()
  metrics.alertSettled('help.requested', 'sent')
  metrics.alertDelivered('mail', 'sent')
  metrics.workerStarted()
  metrics.repliesRunning(1)
  metrics.queueSeen('jobs', { waiting: 1 }, 0.5)
  metrics.queuePaused('jobs', true)
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
  metrics.jobDone('answer-session', 'done', 1)
  metrics.swept('reconcile', 'ok')
  metrics.budgetLimit('site', { tokens: 10, cost: 20 })
  metrics.budgetUsed('site', { tokens: 3, cost: 4 })
  metrics.budgetNearlyUsed('site')
  metrics.budgetRefused('site')
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
      expect([name, values.some((value) => value !== '0')]).toEqual([name, true])
    }
  })

  it('shows no gauge that is not its own: a worker has no connections, not 0 of them', async () => {
    const metrics = createMetrics()
    const gauges = describeAll(metrics).filter(({ type }) => type === 'gauge')
    expect(gauges.length).toBeGreaterThan(5)
    const series = [...(await ownSeries(metrics)).keys()]
    const shown = series.filter((key) => gauges.some(({ name }) => key.startsWith(name)))
    expect(shown).toEqual([])
    metrics.gatewayStarted(5000)
    expect((await ownSeries(metrics)).get('chatbox_websocket_connections')).toBe('0')
  })

  it('shows what a rate of failures is taken of before the first one: it would be missed', async () => {
    const metrics = createMetrics()
    metrics.gatewayStarted(5000)
    const answered = [...(await ownSeries(metrics))].filter(([key]) => key.includes('answered'))
    expect(answered).toEqual([
      ['chatbox_events_answered_total{event="message:send",outcome="ok"}', '0'],
      ['chatbox_events_answered_total{event="message:send",outcome="UNAVAILABLE"}', '0'],
      ['chatbox_events_answered_total{event="message:send",outcome="INTERNAL"}', '0'],
    ])
  })

  it('takes the numbers of a queue away that does not answer', async () => {
    const metrics = createMetrics()
    metrics.queueSeen('jobs', { waiting: 2, active: 1 }, 7.5)
    const shown = async () =>
      [...(await ownSeries(metrics))].filter(([key]) => key.includes('queue'))
    expect(await shown()).toEqual([
      ['chatbox_queue_jobs{queue="jobs",state="waiting"}', '2'],
      ['chatbox_queue_jobs{queue="jobs",state="active"}', '1'],
      ['chatbox_queue_oldest_job_age_seconds{queue="jobs"}', '7.5'],
    ])
    metrics.queueUnseen()
    expect(await shown()).toEqual([])
  })

  it('has a bound where the time to the first text is to end', async () => {
    const metrics = createMetrics()
    metrics.firstDelta('demo', 2.9)
    metrics.firstDelta('demo', 3.1)
    const series = await ownSeries(metrics)
    expect(series.get('chatbox_first_delta_seconds_bucket{le="3",model="demo"}')).toBe('1')
  })

  it('names units and says what one observation is', () => {
    for (const { name, help, type } of describeAll(createMetrics())) {
      expect(name).toMatch(/^chatbox_[a-z_]+$/)
      expect(help).toMatch(/^[A-Z].{15,}\.$/)
      if (type === 'counter') expect(name).toMatch(/_total$/)
      else expect(name).not.toMatch(/_total$/)
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

  it('has no gauge with the ending of a counter, nor from the library', () => {
    const metrics = createMetrics().registry.getMetricsAsArray()
    const misnamed = metrics
      .filter(({ name, type }) => name.endsWith('_total') && String(type) !== 'counter')
      .map(({ name }) => name)
    expect(misnamed).toEqual([])
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

it('the version is what package.json says', () => {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')
  expect((JSON.parse(text) as { version: string }).version).toBe(VERSION)
})
