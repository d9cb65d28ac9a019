import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { createMetrics } from '@chatbox/kit'
import { launchService } from '../../environment/servers/processes.ts'
import { openChatUser } from '../../support/chat-user.ts'
import { describeUnless } from '../../support/describe-unless.ts'
import { findClusterSkipReason } from '../../support/describe-with-cluster.ts'
import { startTestCluster, type TestCluster } from '../../environment/cluster.ts'
import { waitUntil } from '../../environment/wait-until.ts'
import { listQueries, type BoardQuery } from './boards.ts'
import { findUnknown, parseExpositions, withDeclared } from './exposition.ts'
import { findPrometheus, startPrometheus, type RunningPrometheus } from './prometheus.ts'
import { readAlerts, readRecordings, RULES_FILE } from './rules.ts'

const programs = await findPrometheus()
const reason = typeof programs === 'string' ? programs : await findClusterSkipReason()

const START_MS = 120_000
const DATA_MS = 90_000
const ALERT_MS = 120_000
const REPLY_MS = 30_000

/** Only a fault moves these, and in this run there is none until its end. */
const QUIET =
  /ALERTS|payloads_refused|reconciled_total|backend_failures|rate_limited|outcome="failed"/u
/** From another program, which no process of ours speaks for. */
const FOREIGN = 'kube_'

/** Real processes under a real Prometheus: what boards and alerts ask for is there. */
describeUnless(reason)('a cluster that Prometheus watches', () => {
  let cluster: TestCluster
  let prometheus: RunningPrometheus

  beforeAll(async () => {
    cluster = await startTestCluster()
    if (typeof programs === 'string') throw new Error(programs)
    const { gateways, workers } = cluster
    const jobs = { 'chatbox-gateway': toPorts(gateways), 'chatbox-worker': toPorts(workers) }
    prometheus = await startPrometheus({ programs, jobs, rules: RULES_FILE })
  }, START_MS)
  afterAll(async () => {
    await prometheus.stop()
    await cluster.stop()
  }, START_MS)

  /** A person who asks, reads, comes back, and one who is not let in. */
  async function makeTraffic(): Promise<void> {
    const url = cluster.gateways[0]?.url ?? ''
    const user = await openChatUser({ url, userId: randomUUID() })
    const { session } = await user.open()
    const question = await user.send(session, 'tokens=3')
    await user.waitFor('message:new', ({ message }) => message.replyTo === question.id, REPLY_MS)
    await user.open({ sessionId: session.id, afterSeq: 1 })
    await expect(openChatUser({ url, token: 'none' })).rejects.toThrow()
    await fetch(`${url}/chatbox/api/models`)
    user.close()
  }

  async function readExpositions(): Promise<string[]> {
    const ports = toPorts([...cluster.gateways, ...cluster.workers])
    return await Promise.all(
      ports.map(async (port) => (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
    )
  }

  async function hasData({ expr }: BoardQuery): Promise<boolean> {
    const samples = await prometheus.query(expr)
    return samples.some(({ value }) => !Number.isNaN(value))
  }

  it('gets an answer to every query of the boards, and data where there is any', async () => {
    for (const { expr } of listQueries()) await prometheus.query(expr)
    let missing = listQueries().filter(({ expr }) => !QUIET.test(expr))
    const endsAt = performance.now() + DATA_MS
    while (missing.length > 0 && performance.now() < endsAt) {
      // Again and again, as a rate is only there once a number has grown.
      await makeTraffic()
      const empty = []
      for (const query of missing) if (!(await hasData(query))) empty.push(query)
      missing = empty
    }
    expect(missing).toEqual([])
  }, 150_000)

  it('shows every metric and label that boards and rules name', async () => {
    const shown = withDeclared(parseExpositions(await readExpositions()), listDeclared())
    const rules = [...readAlerts(), ...readRecordings()].filter(
      ({ expr }) => !expr.includes(FOREIGN),
    )
    const asked = [...listQueries(), ...rules.map(({ expr }) => ({ expr, legend: '' }))]
    expect(asked.flatMap(({ expr, legend }) => findUnknown(expr, legend, shown))).toEqual([])
  })

  it('shows metrics that promtool has nothing against', async () => {
    if (typeof programs === 'string') throw new Error(programs)
    for (const text of await readExpositions()) {
      const child = spawn(programs.promtool, ['check', 'metrics'])
      let faults = ''
      child.stderr.on('data', (chunk: Buffer) => (faults += chunk.toString()))
      child.stdin.end(text)
      const [code] = (await once(child, 'close')) as [number]
      expect({ code, faults }).toEqual({ code: 0, faults: '' })
    }
  })

  it('raises no alert while all is well', async () => {
    expect(await prometheus.activeAlerts()).toEqual([])
  })

  it('is alarmed when Redis goes, and calm again when it is back', async () => {
    await cluster.redis.kill()
    await waitForAlert('ChatboxRedisAway')
    await cluster.redis.restart()
    await waitUntil(
      async () => !(await prometheus.activeAlerts()).includes('ChatboxRedisAway'),
      ALERT_MS,
    )
  }, 260_000)

  it('is alarmed when a worker goes, and when the store does', async () => {
    await cluster.workers[0]?.kill()
    await waitForAlert('ChatboxTargetDown')
    await cluster.mongo.stop()
    await waitForAlert('ChatboxStoreAway')
  }, 260_000)

  it('is alarmed when gateways come back while the store is away', async () => {
    const [first, second] = cluster.gateways
    await Promise.all([first?.kill(), second?.kill()])
    const ports = { PORT: String(first?.port), MANAGEMENT_PORT: String(first?.managementPort) }
    const waiting = await launchService('gateway', { env: { ...cluster.env, ...ports } })
    try {
      // What the runbook says to look for; from here on it waits for what does not come.
      const reason = /"component":"mongo".*"a back end failed"/u
      await waitUntil(() => reason.test(waiting.output()), REPLY_MS)
      await waitForAlert('ChatboxNoneStarted')
      await waitForAlert('ChatboxStartStuck')
    } finally {
      await waiting.kill()
    }
  }, 260_000)

  async function waitForAlert(alert: string): Promise<void> {
    await waitUntil(async () => (await prometheus.activeAlerts()).includes(alert), ALERT_MS)
  }
})

function toPorts(processes: readonly { managementPort: number }[]): number[] {
  return processes.map(({ managementPort }) => managementPort)
}

/** Every metric of the product with the names of its labels. */
function listDeclared(): { name: string; labelNames: string[] }[] {
  return createMetrics()
    .registry.getMetricsAsArray()
    .map((metric) => {
      // The library's types leave it out.
      const { labelNames = [] } = metric as { labelNames?: string[] }
      return { name: metric.name, labelNames }
    })
}
