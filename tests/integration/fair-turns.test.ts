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
import {
  sendStatus,
  startModelServer,
  streamTokens,
  type Answer,
  type ModelServer,
} from '../environment/model-server.ts'
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
const SHORT = 'tokens=5'
const CROWDED = '203.0.113.7'
const SETTINGS = {
  ALLOW_VISITORS: 'true',
  TRUSTED_PROXIES: '127.0.0.1',
  DRAIN_TIMEOUT: '5s',
}

interface Product {
  url: string
  stop(): Promise<unknown>
}

type Start = (models: ModelServer, slots: number) => Promise<Product>

const SHAPES: [string, Describe, Start][] = [
  [
    'one process',
    describe,
    async (models, slots) =>
      startStandalone({ ...toSettings(slots), ...toModelSettings(models.url) }),
  ],
  [
    'a cluster',
    describeWithCluster,
    async (models, slots) => {
      const settings = { ...toSettings(slots), ...toModelSettings(models.url) }
      const cluster = new Cluster(await startBackEnds(), {
        ...asServices(),
        ...{ gateways: 2, workers: 1, settings },
      })
      await cluster.start()
      return { url: cluster.gateways[0]?.url ?? '', stop: () => cluster.stop() }
    },
  ],
]

function toSettings(slots: number): Record<string, string> {
  return { ...SETTINGS, LLM_CONCURRENCY: String(slots) }
}

/** The people who ask. */
class Askers {
  readonly #url: string
  readonly #users: ChatUser[] = []

  constructor(url: string) {
    this.#url = url
  }

  async visit(address: string): Promise<ChatUser> {
    const route = `${this.#url}${API}/visitors`
    const headers = { 'x-forwarded-for': address }
    const answer = await fetch(route, { method: 'POST', headers })
    const { token } = HTTP_ROUTES.createVisitor.response.parse(await answer.json())
    return this.connect({ token, address })
  }

  async connect(as: { token?: string; userId?: string; address: string }): Promise<ChatUser> {
    const user = await openChatUser({ url: this.#url, ...as })
    this.#users.push(user)
    return user
  }

  /** Lets the visitors of one address ask all of their questions. */
  async crowd(question: string): Promise<void> {
    const crowd = await Promise.all(Array.from({ length: VISITORS }, () => this.visit(CROWDED)))
    await Promise.all(
      crowd.map(async (visitor) => {
        const { session } = await visitor.open()
        for (let asked = 0; asked < QUESTIONS; asked++) await visitor.send(session, question)
      }),
    )
  }

  async firstTokenMs(user: ChatUser): Promise<number> {
    const { session } = await user.open()
    const askedAt = performance.now()
    await user.send(session, SHORT)
    await user.waitFor('reply:delta')
    return performance.now() - askedAt
  }

  close(): void {
    for (const user of this.#users) user.close()
  }
}

for (const [name, describeIt, start] of SHAPES) {
  describeIt(`${name} with ${VISITORS * QUESTIONS} questions of one address waiting`, () => {
    let models: ModelServer
    let product: Product
    let askers: Askers

    beforeAll(async () => {
      models = await startModelServer(streamTokens)
      product = await start(models, SLOTS)
      askers = new Askers(product.url)
      await askers.crowd(LONG)
      await waitUntil(() => models.streaming() >= SLOTS - 1)
    }, 120_000)
    afterAll(async () => {
      askers.close()
      await product.stop()
      await models.stop()
    }, 60_000)

    it('answers a visitor of another address within 2 s', async () => {
      expect(await askers.firstTokenMs(await askers.visit('198.51.100.1'))).toBeLessThan(2000)
    })

    it('answers a signed-in user of the same address within 2 s', async () => {
      const user = await askers.connect({ userId: randomUUID(), address: CROWDED })
      expect(await askers.firstTokenMs(user)).toBeLessThan(2000)
    })

    it('answers several others one after another', async () => {
      for (const address of ['198.51.100.2', '2001:db8:1::1', '2001:db8:2::1']) {
        expect(await askers.firstTokenMs(await askers.visit(address))).toBeLessThan(2000)
      }
    })

    it('still lets the address have most places', async () => {
      await waitUntil(() => models.streaming() === SLOTS - 1)
    })
  })

  describeIt(`${name} whose model answers 429 to all but one question at a time`, () => {
    let models: ModelServer
    let product: Product
    let askers: Askers
    /** The questions that the model has taken, in order. */
    const taken: string[] = []

    beforeAll(async () => {
      models = await startModelServer(oneAtATime(taken))
      product = await start(models, 4 * SLOTS)
      askers = new Askers(product.url)
      await askers.crowd('tokens=100')
      await waitUntil(() => taken.length >= 2)
    }, 120_000)
    afterAll(async () => {
      askers.close()
      await product.stop()
      await models.stop()
    }, 60_000)

    it.each([
      ['a visitor of another address', () => askers.visit('198.51.100.1')],
      [
        'a signed-in user of the same address',
        () => askers.connect({ userId: randomUUID(), address: CROWDED }),
      ],
      ['a visitor of another network', () => askers.visit('2001:db8:1::1')],
    ])('answers %s in its turn', async (_who, connect) => {
      const user = await connect()
      const before = taken.length
      await askers.firstTokenMs(user)
      const ahead = taken.slice(before).indexOf(SHORT)
      expect(ahead).toBeGreaterThanOrEqual(0)
      // Some of the crowd had been let through before, when the model had no room for them.
      expect(ahead).toBeLessThanOrEqual(4)
    })
  })
}

/** A model that refuses every question while it writes a reply, and notes which it took. */
function oneAtATime(taken: string[]): Answer {
  const refuse = sendStatus(429, '{"error":{"message":"slow down"}}', { 'retry-after': '1' })
  let isWriting = false
  return async (exchange) => {
    if (isWriting) {
      await refuse(exchange)
      return
    }
    isWriting = true
    taken.push(
      [...JSON.stringify(exchange.request.body).matchAll(/tokens=\d+/gu)].at(-1)?.[0] ?? '',
    )
    await streamTokens(exchange)
    isWriting = false
  }
}
