import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { signToken } from '../environment/tokens.ts'
import { openChatUser, type ChatUser, type ChatUserOptions } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { openRawSocket, type RawSocket } from '../support/raw-socket.ts'

const PLACES = 10
const HANDSHAKES = 60
const CONNECTS_WITHIN_MS = 1000
const ROUNDS = 15
const BURST = 30

describeWithCluster('two gateways', () => {
  let cluster: TestCluster
  const users: ChatUser[] = []
  const sockets: RawSocket[] = []

  beforeAll(async () => {
    cluster = await startTestCluster({
      TRUSTED_PROXIES: '127.0.0.1',
      MAX_CONNECTIONS_PER_ADDRESS: String(PLACES),
      HANDSHAKES_PER_ADDRESS: String(HANDSHAKES),
    })
  }, 90_000)
  afterEach(() => {
    for (const user of users.splice(0)) user.close()
    for (const raw of sockets.splice(0)) raw.end()
  })
  afterAll(async () => {
    await cluster.stop()
  }, 60_000)

  async function connect(gateway: number, options: Partial<ChatUserOptions>): Promise<ChatUser> {
    const user = await openChatUser({ url: cluster.gateways[gateway]?.url ?? '', ...options })
    users.push(user)
    return user
  }

  const enter = async (gateway: number, address: string) => {
    const url = cluster.gateways[gateway]?.url ?? ''
    const raw = await openRawSocket({ url, headers: { 'x-forwarded-for': address } })
    sockets.push(raw)
    await raw.login(await signToken({ sub: `u${sockets.length}` }))
  }

  it('keep places for others, however many connections one address opens', async () => {
    const [flooder, other] = ['203.0.113.1', '203.0.113.2'] as const
    const tried = Array.from({ length: 4 * PLACES }, (_, index) => enter(index % 2, flooder))
    const entered = await Promise.allSettled(tried)
    const isIn = ({ status }: PromiseSettledResult<void>) => status === 'fulfilled'
    expect(entered.filter(isIn)).toHaveLength(2 * PLACES)
    for (const gateway of [0, 1]) {
      const startedAt = performance.now()
      await enter(gateway, other)
      expect(performance.now() - startedAt).toBeLessThan(CONNECTS_WITHIN_MS)
    }
    for (const raw of sockets.splice(0)) raw.end()
  }, 40_000)

  it('count the handshakes of one address together', async () => {
    let entered = 0
    for (let index = 0; index <= HANDSHAKES; index++) {
      const isIn = await enter(index % 2, '203.0.113.3').then(
        () => true,
        () => false,
      )
      if (isIn) entered++
      for (const raw of sockets.splice(0)) {
        raw.end()
        await raw.closed
      }
    }
    // Each of the two may hold the rest of a batch that it took in advance.
    expect(entered).toBeLessThanOrEqual(HANDSHAKES)
    expect(entered).toBeGreaterThan(HANDSHAKES - 2 * 3)
    await enter(0, '203.0.113.4')
  }, 40_000)

  it('leave no room of another’s session to an operator who lost the role amid a burst', async () => {
    const owner = await connect(0, { userId: 'owner' })
    const { session } = await owner.open()
    for (let round = 0; round < ROUNDS; round++) {
      const userId = `operator-${round}`
      const operator = await connect(1, { userId, roles: ['chat_admin'] })
      const token = await signToken({ sub: userId })
      const open = () => operator.emitRaw('session:open', { sessionId: session.id })
      const before = Array.from({ length: BURST }, open)
      const renewed = operator.emit('token:refresh', { token })
      const after = Array.from({ length: BURST }, open)
      await renewed
      await Promise.all([...before, ...after])
      const known = operator.received.length
      const { id } = await owner.send(session, `secret ${round}`)
      await owner.waitFor('message:new', ({ message }) => message.replyTo === id, 20_000)
      // Answered after the events above would have arrived.
      expect((await operator.refusal('session:open', { sessionId: session.id })).code).toBe(
        'NOT_FOUND',
      )
      expect(operator.received.slice(known)).toEqual([])
      operator.close()
    }
  }, 120_000)
})
