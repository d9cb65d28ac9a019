import { randomUUID } from 'node:crypto'
import { HTTP_ROUTES } from '@chatbox/contract'
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals'
import {
  asServices,
  Cluster,
  startBackEnds,
  startStandalone,
  toModelSettings,
} from '../environment/cluster.ts'
import { startModelServer, streamTokens, type ModelServer } from '../environment/model-server.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { API } from '../support/ask-http.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import type { Describe } from '../support/describe-unless.ts'

jest.setTimeout(60_000)

const SLOTS = 5
const VISITORS = 12
const QUESTIONS = 6
/** Answers of 4 s: whoever waits for one to end is late. */
const LONG = 'tokens=200'
const CROWDED = '203.0.113.7'
const SETTINGS = {
  LLM_CONCURRENCY: String(SLOTS),
  ALLOW_VISITORS: 'true',
  TRUSTED_PROXIES: '127.0.0.1',
  DRAIN_TIMEOUT: '5s',
}

interface Product {
  url: string
  stop(): Promise<unknown>
}

describeFairness('one process', describe, async (models) =>
  startStandalone({ ...SETTINGS, ...toModelSettings(models.url) }),
)
describeFairness('a cluster', describeWithCluster, async (models) => {
  const settings = { ...SETTINGS, ...toModelSettings(models.url) }
  const cluster = new Cluster(await startBackEnds(), {
    ...asServices(),
    ...{ gateways: 2, workers: 1, settings },
  })
  await cluster.start()
  return { url: cluster.gateways[0]?.url ?? '', stop: () => cluster.stop() }
})

function describeFairness(
  name: string,
  describeIt: Describe,
  start: (models: ModelServer) => Promise<Product>,
): void {
  describeIt(`${name} with ${VISITORS * QUESTIONS} questions of one address waiting`, () => {
    let models: ModelServer
    let product: Product
    const users: ChatUser[] = []

    beforeAll(async () => {
      models = await startModelServer(streamTokens)
      product = await start(models)
      const crowd = await Promise.all(Array.from({ length: VISITORS }, () => visit(CROWDED)))
      await Promise.all(
        crowd.map(async (visitor) => {
          const { session } = await visitor.open()
          for (let asked = 0; asked < QUESTIONS; asked++) await visitor.send(session, LONG)
        }),
      )
      await waitUntil(() => models.streaming() >= SLOTS - 1)
    }, 120_000)
    afterAll(async () => {
      for (const user of users) user.close()
      await product.stop()
      await models.stop()
    }, 60_000)

    async function visit(address: string): Promise<ChatUser> {
      const route = `${product.url}${API}/visitors`
      const headers = { 'x-forwarded-for': address }
      const answer = await fetch(route, { method: 'POST', headers })
      const { token } = HTTP_ROUTES.createVisitor.response.parse(await answer.json())
      return connect({ token, address })
    }

    async function connect(as: { token?: string; userId?: string; address: string }) {
      const user = await openChatUser({ url: product.url, ...as })
      users.push(user)
      return user
    }

    async function firstTokenMs(user: ChatUser): Promise<number> {
      const { session } = await user.open()
      const askedAt = performance.now()
      await user.send(session, 'tokens=5')
      await user.waitFor('reply:delta')
      return performance.now() - askedAt
    }

    it('answers a visitor of another address within 2 s', async () => {
      expect(await firstTokenMs(await visit('198.51.100.1'))).toBeLessThan(2000)
    })

    it('answers a signed-in user of the same address within 2 s', async () => {
      const user = await connect({ userId: randomUUID(), address: CROWDED })
      expect(await firstTokenMs(user)).toBeLessThan(2000)
    })

    it('answers several others one after another', async () => {
      for (const address of ['198.51.100.2', '2001:db8:1::1', '2001:db8:2::1']) {
        expect(await firstTokenMs(await visit(address))).toBeLessThan(2000)
      }
    })

    it('still lets the address have most places', async () => {
      await waitUntil(() => models.streaming() === SLOTS - 1)
    })
  })
}
