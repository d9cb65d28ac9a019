import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { waitUntil } from '../environment/wait-until.ts'

const WORKERS = 3
const SITE_TOKENS = 1000
const USER_TOKENS = 300
/** What the model server reports for `tokens=40`. */
const ANSWER_TOKENS = 47

describeWithCluster('budgets over three gateways and three workers', () => {
  let cluster: TestCluster
  const users: ChatUser[] = []
  beforeAll(async () => {
    cluster = await startTestCluster({
      BUDGET_SITE_TOKENS: String(SITE_TOKENS),
      BUDGET_USER_TOKENS: String(USER_TOKENS),
      LLM_CONCURRENCY: '1',
    })
    await Promise.all([cluster.add('gateway'), cluster.add('worker')])
  }, 120_000)
  afterEach(() => {
    for (const user of users.splice(0)) user.close()
  })
  afterAll(async () => {
    await cluster.stop()
  }, 60_000)

  const connect = async (gateway: number, userId: string) => {
    const user = await openChatUser({ url: cluster.gateways[gateway % 3]?.url ?? '', userId })
    users.push(user)
    return user
  }

  /** Sends each question; says of each how it ended: `complete`, or the code of its refusal. */
  async function ask(user: ChatUser, texts: readonly string[]): Promise<string[]> {
    const { session } = await user.open()
    return Promise.all(
      texts.map(async (content) => {
        const payload = { sessionId: session.id, clientMessageId: randomUUID(), content }
        let ack = await user.emitRaw('message:send', payload)
        // As the page does: nothing of it was acknowledged, so the same is sent again.
        while (!ack.ok && ack.error.code === 'UNAVAILABLE') {
          ack = await user.emitRaw('message:send', payload)
        }
        if (!ack.ok) return ack.error.code
        const question = (ack.data as { message: { id: string } }).message
        const isAnswer = ({ message }: { message: { replyTo?: string | undefined } }) =>
          message.replyTo === question.id
        const { message } = await user.waitFor('message:new', isAnswer, 60_000)
        return message.error?.code ?? message.status
      }),
    )
  }

  async function used(): Promise<number> {
    const lines = await Promise.all(
      cluster.workers.map(async ({ managementPort }) => {
        const metrics = await fetch(`http://127.0.0.1:${managementPort}/metrics`)
        return /^chatbox_budget_used\{scope="site",unit="tokens"\} (\d+)/mu.exec(
          await metrics.text(),
        )?.[1]
      }),
    )
    return Math.min(...lines.map(Number))
  }

  it('one user meets a limit on all sockets together', async () => {
    const sockets = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => connect(i, 'greedy')))
    const ends = await Promise.all(
      sockets.map(async (user, socket) =>
        ask(
          user,
          [0, 1, 2].map((i) => `tokens=40 question ${socket} ${i}`),
        ),
      ),
    )
    const all = ends.flat()
    expect(new Set(all)).toEqual(new Set(['complete', 'BUDGET_EXCEEDED']))
    // A session has one answer at a time, so only the one that meets the limit passes it.
    const answered = all.filter((end) => end === 'complete')
    expect(answered).toHaveLength(Math.ceil(USER_TOKENS / ANSWER_TOKENS))
  }, 90_000)

  it('the site meets its limit, passed by no more than what runs at the moment', async () => {
    const texts = Array.from({ length: 4 }, (_, i) => `tokens=40 question ${i}`)
    const ends = await Promise.all(
      Array.from({ length: 12 }, async (_, i) => ask(await connect(i, `user-${i}`), texts)),
    )
    const all = ends.flat()
    expect(new Set(all)).toEqual(new Set(['complete', 'BUDGET_EXCEEDED']))
    const total = cluster.models.requests.length * ANSWER_TOKENS
    expect(total).toBeGreaterThanOrEqual(SITE_TOKENS)
    expect(total).toBeLessThan(SITE_TOKENS + WORKERS * ANSWER_TOKENS)
    // Every worker reports the same, exactly what was asked of the model.
    await waitUntil(async () => (await used()) === total)
    // Nothing more is asked of the model from here on, on any gateway.
    const after = cluster.models.requests.length
    for (const gateway of [0, 1, 2]) {
      const late = await connect(gateway, `late-${gateway}`)
      expect(await ask(late, ['tokens=40'])).toEqual(['BUDGET_EXCEEDED'])
    }
    expect(cluster.models.requests.length).toBe(after)
  }, 120_000)
})
