import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { NewDeskAction, ServerPayload } from '@chatbox/contract'
import { MongoClient } from 'mongodb'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { API } from '../support/ask-http.ts'
import { openChatUser, type ChatUser, type ChatUserOptions } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'

const OPERATORS = 50
const RESPONSE_MS = 20_000
/** Each text that operators write gets its own. */
const CANARY = /canary-\d+/gu
let count = 0
const canary = (): string => `canary-${++count}`
const TAG = canary()
const SPY = { userId: canary(), name: canary(), roles: ['chat_admin'] }
const OLGA = { userId: 'olga', name: 'Olga', roles: ['chat_admin'] }

const newPerson = () => ({ id: canary(), name: canary() })
const ACTIONS: NewDeskAction[] = [
  { type: 'note', text: canary(), mentions: [canary()] },
  { type: 'assigned', to: newPerson() },
  { type: 'tagged', tags: [TAG] },
  { type: 'prioritized', priority: 'urgent' },
  { type: 'summary', text: canary(), upToSeq: 0 },
  { type: 'draft_used', outcome: 'edited' },
  { type: 'snoozed', until: '2100-01-01T00:00:00.000Z' },
]
const DRAFT = canary()
const CANARIES = Array.from({ length: count }, (_, index) => `canary-${index + 1}`)

const findCanaries = (raw: string): string[] => [...new Set(raw.match(CANARY) ?? [])].sort()

describeWithCluster('the desks of two gateways', () => {
  let cluster: TestCluster
  const users: ChatUser[] = []

  beforeAll(async () => {
    cluster = await startTestCluster({ LOG_LEVEL: 'trace', OPERATOR_TAGS: TAG })
  }, 90_000)
  afterEach(() => {
    for (const user of users.splice(0)) user.close()
  })
  afterAll(async () => {
    await cluster.stop()
  }, 60_000)

  async function connect(gateway: number, options: Partial<ChatUserOptions>): Promise<ChatUser> {
    const user = await openChatUser({ url: cluster.gateways[gateway]?.url ?? '', ...options })
    users.push(user)
    return user
  }

  it('are dense and lose nothing when 50 operators append at once', async () => {
    const ann = await connect(0, { userId: 'ann-of-many' })
    const sessionId = (await ann.open()).session.id
    const operators = await Promise.all(
      Array.from({ length: OPERATORS }, (_, index) =>
        connect(index % 2, { userId: `op-${index}`, roles: ['chat_admin'] }),
      ),
    )
    for (const one of operators) await one.emit('desk:open', { sessionId })
    const sent = await Promise.all(
      operators.map(async (one, index) => {
        const action: NewDeskAction = { type: 'note', text: `Note ${index}`, mentions: [] }
        return (await one.emit('desk:append', { sessionId, clientEntryId: 'one', action })).entry
      }),
    )
    const log = sent.toSorted((a, b) => a.seq - b.seq)
    expect(log.map(({ seq }) => seq)).toEqual(Array.from(sent, (_, index) => index + 1))
    for (const one of operators.slice(0, 2)) {
      const { entries, desk } = await one.emit('desk:open', { sessionId, limit: 200 })
      expect([entries, desk.seq]).toEqual([log, OPERATORS])
      for (const { id } of log) await one.waitFor('desk:new', ({ entry }) => entry.id === id)
    }
  }, 60_000)

  describe('after a whole conversation', () => {
    let monitor: Socket | undefined
    let redisCommands = ''
    let visitorSaw = ''
    let operatorSaw = ''
    let transcripts = ''

    const isReplyTo = (id: string) => (told: ServerPayload<'message:new'>) =>
      told.message.replyTo === id

    async function ask(user: ChatUser, sessionId: string): Promise<void> {
      const { id } = await user.send({ id: sessionId }, 'tokens=3')
      await user.waitFor('message:new', isReplyTo(id), RESPONSE_MS)
    }

    async function readTranscripts(user: ChatUser, sessionId: string): Promise<string> {
      const url = `${cluster.gateways[0]?.url ?? ''}${API}/sessions/${sessionId}`
      const paths = [
        '',
        '/messages',
        ...['txt', 'json', 'html'].map((f) => `/transcript?format=${f}`),
      ]
      let read = ''
      // One after another, because only two transcripts of a user are sent at once.
      for (const path of paths) {
        const headers = { authorization: `Bearer ${user.token}` }
        const response = await fetch(url + path, { headers })
        expect(response.status).toBe(200)
        read += await response.text()
      }
      return read
    }

    beforeAll(async () => {
      // Bare, because the client library takes a command that comes at once for a reply.
      monitor = connectTcp(cluster.redis.port, new URL(cluster.redis.url).hostname)
      monitor.setEncoding('latin1').on('data', (text: string) => (redisCommands += text))
      monitor.write('MONITOR\r\n')
      await once(monitor, 'data')
      const ann = await connect(0, { userId: 'ann', name: 'Ann' })
      const tab = await connect(1, { userId: 'ann', name: 'Ann' })
      const sessionId = (await ann.open()).session.id
      await tab.open({ sessionId })
      const answers: unknown[] = []
      const [spy, olga, other] = [
        await connect(1, SPY),
        await connect(0, OLGA),
        await connect(0, SPY),
      ]
      await ask(ann, sessionId)
      for (const one of [spy, other]) await one.emit('inbox:subscribe', {})
      await other.emit('desk:open', { sessionId })
      await olga.emit('desk:draft', { sessionId, text: DRAFT })
      for (const action of ACTIONS) {
        await spy.emit('desk:append', { sessionId, clientEntryId: crypto.randomUUID(), action })
      }
      await other.waitFor('desk:new', ({ desk }) => desk.seq === ACTIONS.length)
      await ask(ann, sessionId)
      await ann.emit('help:request', { sessionId, note: 'please' })
      await olga.emit('takeover:start', { sessionId })
      const { id } = await olga.send({ id: sessionId }, 'Hello Ann')
      await tab.waitFor('message:new', ({ message }) => message.id === id)
      await ann.emit('typing', { sessionId, typing: true })
      await olga.emit('takeover:end', { sessionId })
      await ask(ann, sessionId)
      for (const event of ['desk:open', 'desk:append', 'desk:draft']) {
        answers.push(await ann.emitRaw(event, { sessionId }))
      }
      answers.push(await tab.open({ sessionId, afterSeq: 0 }))
      answers.push(await ann.emit('session:history', { sessionId, beforeSeq: 5 }))
      const opened = await olga.emit('desk:open', { sessionId })
      operatorSaw = JSON.stringify([other.received, opened])
      transcripts = await readTranscripts(ann, sessionId)
      answers.push(await ann.emit('session:end', { sessionId }))
      await tab.waitFor('session:updated', ({ session }) => session.status === 'ended')
      transcripts += await readTranscripts(ann, sessionId)
      visitorSaw = JSON.stringify([ann.received, tab.received, answers])
    }, 90_000)
    afterAll(() => {
      monitor?.destroy()
    })

    it('each canary has been seen by an operator', () => {
      expect(findCanaries(operatorSaw)).toEqual([...CANARIES].sort())
    })

    it('none is in a frame to the visitor, and none in a transcript', () => {
      expect(visitorSaw).toContain('takeover_started')
      expect(findCanaries(visitorSaw)).toEqual([])
      expect(transcripts).toContain('Hello Ann')
      expect(findCanaries(transcripts)).toEqual([])
    })

    it('none is in a prompt', () => {
      const { requests } = cluster.models
      expect(requests.length).toBeGreaterThanOrEqual(3)
      const prompts = JSON.stringify(requests.map(({ headers, body }) => [headers, body]))
      expect(prompts).toContain('Hello Ann')
      expect(findCanaries(prompts)).toEqual([])
    })

    it('none is in the store, but who did something in the audit log', async () => {
      const client = await new MongoClient(cluster.mongo.uri).connect()
      try {
        const db = client.db(cluster.env.MONGO_DATABASE)
        const collections = await db.listCollections().toArray()
        const dumpOf = async (names: string[]) => {
          const documents = names.map((name) => db.collection(name).find().toArray())
          return JSON.stringify(await Promise.all(documents))
        }
        const others = collections.map(({ name }) => name).filter((name) => name !== 'audit')
        const dump = await dumpOf(others)
        expect(dump.match(/"desk":/gu)?.length).toBeGreaterThan(ACTIONS.length)
        expect(findCanaries(dump)).toEqual([])
        expect(findCanaries(await dumpOf(['audit']))).toEqual([SPY.userId])
      } finally {
        await client.close()
      }
    })

    it('none is in a log line', () => {
      const lines = [...cluster.gateways, ...cluster.workers].map((one) => one.output()).join('\n')
      expect(lines).toContain('"level":')
      expect(findCanaries(lines)).toEqual([])
    })

    it('none went to Redis', () => {
      expect(redisCommands).toMatch(/"publish"/iu)
      expect(findCanaries(redisCommands)).toEqual([])
    })
  })
})
