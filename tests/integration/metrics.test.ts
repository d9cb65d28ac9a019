import { randomUUID } from 'node:crypto'
import type { Message, ServerPayload } from '@chatbox/contract'
import { openBackend, type Backend } from '@chatbox/adapters'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { Redis } from 'ioredis'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { textOfTokens, sendStatus } from '../environment/model-server.ts'
import { openRawSocket } from '../support/raw-socket.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'

const REPLY_MS = 30_000
const BUSY_MS = 30_000

/** A metric that nothing moves is a metric that nobody can trust: the run below moves every one. */
describeWithCluster('the metrics of a cluster', () => {
  let cluster: TestCluster
  let redis: Redis
  let user: ChatUser
  let sessionId: string
  let backend: Backend | undefined
  /** Ever seen above zero: a gauge goes back. */
  const moved = new Set<string>()

  beforeAll(async () => {
    cluster = await startTestCluster({
      ...{ RATE_LIMIT: '40', LLM_CONCURRENCY: '2' },
      ...{ BUDGET_USER_TOKENS: '800', BUDGET_SITE_TOKENS: '10000000' },
      // Nobody is there: what counts is that it was tried.
      ...{ SMTP_HOST: '127.0.0.1', SMTP_PORT: '1', SMTP_TLS: 'off', ALERT_DELAY: '0s' },
      ...{ EMAIL_FROM: 'chat@site.org', ADMIN_EMAILS: 'ops@site.org' },
      PUBLIC_URL: 'http://localhost:3000',
    })
    redis = new Redis(cluster.redis.url)
    redis.on('error', () => undefined)
    user = await connect(0)
    sessionId = (await user.open()).session.id
  }, 90_000)
  afterAll(async () => {
    user.close()
    redis.disconnect()
    await backend?.close()
    await cluster.stop()
  }, 60_000)

  function connect(gateway: number, who: { userId?: string; roles?: string[] } = {}) {
    const url = cluster.gateways[gateway]?.url ?? ''
    return openChatUser({ url, userId: randomUUID(), ...who })
  }

  const ask = (content: string): Promise<Message> => user.send({ id: sessionId }, content)

  async function replyTo(question: Message): Promise<Message> {
    const isReply = ({ message }: ServerPayload<'message:new'>) => message.replyTo === question.id
    return (await user.waitFor('message:new', isReply, REPLY_MS)).message
  }

  /** The sum of a metric over all processes, by its name in the exposition. */
  async function read(): Promise<Map<string, number>> {
    const totals = new Map<string, number>()
    const asked = [...cluster.gateways, ...cluster.workers].map(async ({ managementPort }) => {
      const answer = await fetch(`http://127.0.0.1:${managementPort}/metrics`)
      return answer.text()
    })
    // One that has ended answers nothing.
    for (const answer of await Promise.allSettled(asked)) {
      if (answer.status === 'fulfilled') addSamples(totals, answer.value)
    }
    for (const [name, total] of totals) if (total > 0) moved.add(name)
    return totals
  }

  async function waitFor(name: string, timeoutMs = BUSY_MS): Promise<void> {
    await waitUntil(async () => ((await read()).get(name) ?? 0) > 0, timeoutMs)
  }

  it('every one moves in a run with traffic, refusals and faults', async () => {
    expect((await replyTo(await ask('tokens=5'))).status).toBe('complete')
    await user.open({ sessionId, afterSeq: 1 })
    await fetch(`${cluster.gateways[0]?.url}/chatbox/api/models`)
    await crowdQueue()
    await callPerson()
    await pauseQueue()

    await expect(
      openChatUser({ url: cluster.gateways[0]?.url ?? '', token: 'none' }),
    ).rejects.toThrow()
    await flood(await connect(1))
    await waitFor('chatbox_rate_limited_total')

    await useUpBudget()
    await waitFor('chatbox_budget_refusals_total')
    await waitFor('chatbox_budgets_nearly_used_total')

    await refuseForged()
    await waitFor('chatbox_payloads_refused_total')

    await starveReader()
    await waitFor('chatbox_deltas_dropped_total')

    await makeZombie()
    await waitFor('chatbox_replies_taken_over_total')
    await waitFor('chatbox_leases_lost_total')
    await overtakeWriter()
    await waitFor('chatbox_writes_fenced_total')

    await failProvider()
    await waitFor('chatbox_open_breakers')

    await loseRedis()
    await waitFor('chatbox_backend_failures_total')
    await waitFor('chatbox_publish_failures_total')
    await waitFor('chatbox_subscription_gaps_total')
    await waitFor('chatbox_reconciled_total')

    await drainGateway()

    const names = [...(await read()).keys()]
    expect(names.filter((name) => !moved.has(name))).toEqual([])
  }, 240_000)

  async function flood(guest: ChatUser): Promise<void> {
    const { session } = await guest.open()
    const sends = Array.from({ length: 60 }, () =>
      guest.emitRaw('message:send', { sessionId: session.id, clientMessageId: randomUUID() }),
    )
    await Promise.all(sends)
    guest.close()
  }

  /** A reply is cut by an operator who was asked for. */
  async function callPerson(): Promise<void> {
    const guest = await connect(0)
    const operator = await connect(1, { roles: ['chat_admin'] })
    const { session } = await guest.open()
    await guest.emit('help:request', { sessionId: session.id })
    await guest.send(session, 'tokens=1000')
    await guest.waitFor('reply:delta')
    await operator.emit('takeover:start', { sessionId: session.id })
    for (const name of ['help_requests', 'takeovers', 'replies_cut', 'alert_deliveries']) {
      await waitFor(`chatbox_${name}_total`)
    }
    operator.close()
    guest.close()
  }

  async function pauseQueue(): Promise<void> {
    const authorization = `Bearer ${await signToken({ sub: 'root', roles: ['admin'] })}`
    const url = `${cluster.gateways[0]?.url}/chatbox/api/admin/queues/jobs/pause`
    for (const paused of [true, false]) {
      const body = JSON.stringify({ paused })
      const headers = { authorization, 'content-type': 'application/json' }
      expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(200)
      if (paused) await waitFor('chatbox_queue_paused')
    }
  }

  /** Asks until no more is answered. */
  async function useUpBudget(): Promise<void> {
    const guest = await connect(0)
    const { session } = await guest.open()
    for (let asked = 0; asked < 10; asked++) {
      const message = {
        sessionId: session.id,
        clientMessageId: randomUUID(),
        content: 'tokens=150',
      }
      const sent = await guest.emitRaw('message:send', message)
      if (!sent.ok) break
      await guest.waitFor('message:new', ({ message: { seq } }) => seq >= 2 * (asked + 1), REPLY_MS)
    }
    guest.close()
  }

  /** What another program that can reach Redis might publish. */
  async function refuseForged(): Promise<void> {
    await redis.publish(`chatbox:session:${sessionId}`, '{"event":"message:new","payload":{}}')
  }

  /** The back ends, as another process of the same installation opens them. Once for all. */
  async function openCluster(): Promise<Backend> {
    const { env } = cluster
    const [id = '', key = ''] = env.ENCRYPTION_KEYS?.split(':') ?? []
    const encryptionKeys = [{ id, key: Buffer.from(key, 'base64') }]
    const { REDIS_URL: redisUrl = '', MONGO_URI: mongoUri = '', MONGO_DATABASE = '' } = env
    backend ??= await openBackend(
      { kind: 'cluster', redisUrl, mongoUri, mongoDatabase: MONGO_DATABASE, encryptionKeys },
      { onError: ignore, onPublishFailed: ignore, onGap: ignore, onPayloadRefused: ignore },
    )
    return backend
  }

  /** Viewers of the same session that open it and then never read again. */
  async function starveReader(): Promise<void> {
    const raw = await openRawSocket({ url: cluster.gateways[0]?.url ?? '' })
    await raw.login(await signToken({ sub: user.userId }))
    raw.socket.send(`421${JSON.stringify(['session:open', { sessionId }])}`)
    await raw.waitForFrame((frame) => frame.startsWith('431'))
    raw.socket.pause()
    const text = 'x'.repeat(50_000)
    const { bus } = await openCluster()
    const delta = { sessionId, replyId: randomUUID(), attempt: 1, text }
    const isDropping = async () => ((await read()).get('chatbox_deltas_dropped_total') ?? 0) > 0
    for (let index = 0; index < 2000 && (index % 50 > 0 || !(await isDropping())); index++) {
      await bus.publishDelta({ ...delta, index }, () => text)
    }
    const { messages } = await user.open({ sessionId })
    const [first] = messages
    if (!first) throw new Error('the session is empty')
    const message = { ...first, content: text }
    for (let sent = 0; sent < 100; sent++) {
      await bus.publish(sessionId, { event: 'message:new', payload: { message } })
    }
    // A socket that is paused does not notice its end: the gateway's count tells.
    await waitFor('chatbox_slow_readers_closed_total')
    raw.end()
  }

  /** The worker that writes sleeps beyond its lease, another one answers, the first one wakes up. */
  async function makeZombie(): Promise<void> {
    const [writer, idle] = cluster.workers
    idle?.signal('SIGSTOP')
    const question = await ask('tokens=100')
    await user.waitFor('reply:delta', ({ attempt, text }) => attempt === 1 && text.includes('t9 '))
    idle?.signal('SIGCONT')
    writer?.signal('SIGSTOP')
    expect((await replyTo(question)).content).toBe(textOfTokens(100))
    writer?.signal('SIGCONT')
  }

  /** A later attempt that the writer has not heard of: its next delta is refused. */
  async function overtakeWriter(): Promise<void> {
    const { bus } = await openCluster()
    const question = await ask('tokens=50')
    const { replyId } = await user.waitFor('reply:start', (start) => start.replyTo === question.id)
    const delta = { sessionId, replyId, attempt: 2, index: 0, text: '' }
    await bus.publishDelta(delta, () => '')
    expect((await replyTo(question)).content).toBe(textOfTokens(50))
  }

  async function failProvider(): Promise<void> {
    cluster.models.answer(sendStatus(503))
    for (let tries = 0; tries < 3; tries++) {
      expect((await replyTo(await ask('tokens=1'))).status).toBe('failed')
    }
  }

  /** More questions than the workers may answer at once: the rest of them waits. */
  async function crowdQueue(): Promise<void> {
    const guests = await Promise.all(Array.from({ length: 8 }, () => connect(1)))
    const asking = guests.map(async (guest) => {
      const { session } = await guest.open()
      await guest.send(session, 'tokens=1000')
      return { guest, session }
    })
    const asked = await Promise.all(asking)
    await waitFor('chatbox_queue_oldest_job_age_seconds')
    for (const { guest, session } of asked) {
      await guest.emit('session:end', { sessionId: session.id })
      guest.close()
    }
  }

  /** Its clients are sent away one after the other, and for so long it answers. */
  async function drainGateway(): Promise<void> {
    const gateway = await cluster.add('gateway')
    const url = gateway.url
    await Promise.all(Array.from({ length: 30 }, () => openChatUser({ url, userId: randomUUID() })))
    const stopped = gateway.stop()
    await waitFor('chatbox_draining')
    await stopped
  }

  async function loseRedis(): Promise<void> {
    await cluster.redis.kill()
    await ask('while it is away')
    await cluster.redis.restart()
  }
})

function ignore(): void {
  // What goes wrong here is wrong on purpose.
}

/** Of a histogram its number of observations, of everything else the value. */
function addSamples(totals: Map<string, number>, exposition: string): void {
  const histograms = new Set(
    [...exposition.matchAll(/^# TYPE (\S+) histogram$/gmu)].map(([, name]) => name),
  )
  for (const [, name = ''] of exposition.matchAll(/^# TYPE (chatbox_\S+) /gmu)) {
    const sample = histograms.has(name) ? `${name}_count` : name
    const values = exposition.matchAll(new RegExp(`^${sample}(?:\\{[^}]*\\})? (\\S+)$`, 'gmu'))
    const sum = [...values].reduce((total, [, value]) => total + Number(value), 0)
    totals.set(name, (totals.get(name) ?? 0) + sum)
  }
}
