import type { Message } from '@chatbox/contract'
import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals'
import { MongoClient, type Db } from 'mongodb'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { runEntry } from '../environment/servers/processes.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { waitUntil } from '../environment/wait-until.ts'

jest.setTimeout(120_000)

const MIGRATIONS = 3
/** Questions answered before the first migration begins and after the last one has ended. */
const AROUND = 5

describeWithCluster('gateways and workers that run while another version migrates', () => {
  let cluster: TestCluster
  let client: MongoClient
  let db: Db
  let user: ChatUser

  beforeAll(async () => {
    cluster = await startTestCluster()
    client = await new MongoClient(cluster.mongo.uri).connect()
    db = client.db(cluster.env.MONGO_DATABASE ?? '')
  }, 90_000)
  afterEach(() => user.close())
  afterAll(async () => {
    await client.close()
    await cluster.stop()
  }, 60_000)

  function migrate(): ReturnType<typeof runEntry> {
    const { MONGO_URI = '', MONGO_DATABASE = '' } = cluster.env
    return runEntry('migrate', { MONGO_URI, MONGO_DATABASE })
  }

  /** Makes of the database what a program from before there was a version would have left. */
  async function forget(): Promise<void> {
    await db.collection('meta').drop()
    await db.collection('sessions').dropIndex('of_user')
    await db.collection('messages').dropIndex('reply_due')
  }

  async function expectAnswered(question: Message): Promise<void> {
    await user.waitFor('message:new', ({ message }) => message.replyTo === question.id, 30_000)
  }

  it('acknowledge every message, answer it, and keep the log dense', async () => {
    user = await openChatUser({ url: cluster.gateways[0]?.url ?? '' })
    const { session } = await user.open()
    const sent: Message[] = []
    const migrating = { isOver: false }
    const sending = (async () => {
      while (!migrating.isOver) {
        const question = await user.send(session, 'tokens=1')
        sent.push(question)
        await expectAnswered(question)
      }
    })()
    await waitUntil(() => sent.length >= AROUND)
    for (let count = 0; count < MIGRATIONS; count++) {
      await forget()
      const before = sent.length
      const { code, stdout } = await migrate()
      expect(code).toBe(0)
      expect(stdout).toContain('create the indexes')
      expect(sent.length).toBeGreaterThan(before)
    }
    const between = sent.length
    await waitUntil(() => sent.length >= between + AROUND)
    migrating.isOver = true
    await sending

    const log = await db.collection('messages').find({ sessionId: session.id }).toArray()
    const seqs = log.map(({ seq }) => Number(seq)).sort((a, b) => a - b)
    expect(seqs).toEqual(Array.from({ length: sent.length * 2 }, (_, i) => i + 1))
  })

  it('start anew, and serve, beside what the next version has added', async () => {
    await migrate()
    await db
      .collection<{ _id: string }>('meta')
      .updateOne({ _id: 'schema' }, { $inc: { version: 1 } })
    const gateway = await cluster.add('gateway')
    await cluster.add('worker')
    user = await openChatUser({ url: gateway.url })
    const { session } = await user.open()
    await expectAnswered(await user.send(session, 'tokens=1'))
    expect((await migrate()).stdout).toContain('nothing to do')
  })
})
