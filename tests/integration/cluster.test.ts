import { randomUUID } from 'node:crypto'
import type { Message, ServerPayload } from '@chatbox/contract'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { textOfTokens } from '../environment/model-server.ts'

const RESPONSE_MS = 20_000

describeWithCluster('a cluster of two gateways and two workers', () => {
  let cluster: TestCluster
  const users: ChatUser[] = []

  beforeAll(async () => {
    cluster = await startTestCluster()
  }, 90_000)
  afterEach(() => {
    for (const user of users.splice(0)) user.close()
  })
  afterAll(async () => {
    await cluster.stop()
  }, 60_000)

  async function connect(gateway: number, userId: string): Promise<ChatUser> {
    const url = cluster.gateways[gateway]?.url ?? ''
    const user = await openChatUser({ url, userId })
    users.push(user)
    return user
  }

  const isReplyTo = (question: Message) => (event: ServerPayload<'message:new'>) =>
    event.message.replyTo === question.id

  it('shows the same streaming answer on both gateways', async () => {
    const here = await connect(0, 'viewer')
    const there = await connect(1, 'viewer')
    const { session } = await here.open()
    expect((await there.open()).session.id).toBe(session.id)

    const question = await here.send(session, 'tokens=60')
    const [first, second] = await Promise.all(
      [here, there].map((user) => user.waitFor('message:new', isReplyTo(question), RESPONSE_MS)),
    )

    expect(first?.message.content).toBe(textOfTokens(60))
    expect(second?.message).toEqual(first?.message)
    expect(draftOf(here, first?.message.id)).toBe(textOfTokens(60))
    expect(draftOf(there, first?.message.id)).toBe(textOfTokens(60))
  }, 40_000)

  it('tells the viewers on the other gateway everything that one does', async () => {
    const userId = randomUUID()
    const [here, there] = [await connect(0, userId), await connect(1, userId)]
    const { session } = await here.open()
    await there.open()

    here.socket.emit('typing', { sessionId: session.id, typing: true })
    await there.waitFor('typing', ({ typing }) => typing)
    const question = await here.send(session, 'tokens=1')
    await there.waitFor('message:new', ({ message }) => message.id === question.id)
    await there.waitFor('session:updated', (updated) => updated.session.lastSeq === 1)
    await here.emit('message:read', { sessionId: session.id, seq: 1 })
    await there.waitFor('message:receipt', ({ seq }) => seq === 1)

    for (const { managementPort } of cluster.gateways) {
      const metrics = await fetch(`http://127.0.0.1:${managementPort}/metrics`)
      expect(await metrics.text()).not.toMatch(/^chatbox_payloads_refused_total\{/mu)
    }
  }, 40_000)

  it('gives one session to 50 opens at once over both gateways', async () => {
    const userId = randomUUID()
    const opening = Array.from({ length: 50 }, async (_, index) => {
      const user = await connect(index % 2, userId)
      return (await user.open()).session.id
    })
    expect(new Set(await Promise.all(opening)).size).toBe(1)
  }, 40_000)

  it('stores a message once, however often and wherever it is sent', async () => {
    const userId = randomUUID()
    const here = await connect(0, userId)
    const there = await connect(1, userId)
    const { session } = await here.open()
    await there.open()
    const clientMessageId = randomUUID()

    const sends = Array.from({ length: 50 }, (_, index) =>
      (index % 2 ? here : there).send(session, `tokens=3 body ${index}`, clientMessageId),
    )
    const answers = await Promise.all(sends)

    const first = given(answers[0])
    expect(answers).toEqual(answers.map(() => first))
    await here.waitFor('message:new', isReplyTo(first), RESPONSE_MS)
    const log = await here.open({ sessionId: session.id })
    expect(log.messages.map(({ seq, sender }) => [seq, sender.type])).toEqual([
      [1, 'user'],
      [2, 'ai'],
    ])
  }, 40_000)

  it('stops a reply from the other gateway within a second and keeps its text', async () => {
    const userId = randomUUID()
    const here = await connect(0, userId)
    const there = await connect(1, userId)
    const { session } = await here.open()
    await there.open()
    const asked = cluster.models.requests.length
    const question = await here.send(session, 'tokens=2000')
    const { replyId } = await there.waitFor('reply:delta', ({ index }) => index >= 3, RESPONSE_MS)

    const stoppedAt = Date.now()
    expect(await there.emit('reply:stop', { sessionId: session.id, replyId })).toEqual({
      stopped: true,
    })

    const upstream = given(cluster.models.requests[asked])
    expect((await upstream.cut) - stoppedAt).toBeLessThan(1000)
    const { message } = await here.waitFor('message:new', isReplyTo(question), RESPONSE_MS)
    expect(message.status).toBe('stopped')
    expect(message.content).toMatch(/^t0 t1 /u)
    expect(textOfTokens(2000).startsWith(message.content)).toBe(true)
  }, 40_000)

  it('lets another worker answer when the one that writes is killed', async () => {
    const userId = randomUUID()
    const user = await connect(0, userId)
    const { session } = await user.open()
    const [writer, idle] = cluster.workers.splice(0)
    await given(idle).stop()
    const question = await user.send(session, 'tokens=300')
    await user.waitFor('reply:delta', ({ attempt, index }) => attempt === 1 && index >= 3)
    await cluster.add('worker')

    const killedAt = Date.now()
    await given(writer).kill()
    await user.waitFor('reply:start', ({ attempt }) => attempt > 1, RESPONSE_MS)
    const takeOverMs = Date.now() - killedAt
    const { message } = await user.waitFor('message:new', isReplyTo(question), RESPONSE_MS)

    expect(message).toMatchObject({ status: 'complete', content: textOfTokens(300) })
    expect(takeOverMs).toBeLessThan(8000)
    const log = await user.open({ sessionId: session.id })
    expect(log.messages.filter(({ replyTo }) => replyTo === question.id)).toHaveLength(1)
  }, 60_000)

  it('acknowledges while Redis is away, and answers once it is back', async () => {
    const userId = randomUUID()
    const user = await connect(0, userId)
    const { session } = await user.open()

    await cluster.redis.kill()
    const question = await user.send(session, 'tokens=5')
    expect(question.seq).toBe(1)
    await cluster.redis.restart()

    const deadline = Date.now() + RESPONSE_MS
    let messages: Message[] = []
    while (messages.length < 2 && Date.now() < deadline) {
      ;({ messages } = await user.open({ sessionId: session.id }))
    }
    expect(messages[1]).toMatchObject({ replyTo: question.id, status: 'complete' })
    expect(cluster.gateways.every(({ pid }) => isAlive(pid))).toBe(true)
  }, 60_000)
})

/** The text that a viewer who got these events shows just before the finished reply. */
function draftOf(user: ChatUser, replyId: string | undefined): string {
  const attempts = new Map<number, string>()
  for (const { event, payload } of user.received) {
    if (event !== 'reply:delta' || payload.replyId !== replyId) continue
    attempts.set(payload.attempt, (attempts.get(payload.attempt) ?? '') + payload.text)
  }
  return [...attempts.entries()].sort(([a], [b]) => a - b).at(-1)?.[1] ?? ''
}

function given<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('nothing there')
  return value
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
