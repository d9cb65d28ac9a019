import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerPayload, Session } from '@chatbox/contract'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { streamReply } from '../environment/model-server.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'

const REPLIES = 200

interface Viewer {
  user: ChatUser
  session: Session
}

describeWithCluster('Redis stopped at the end of 200 replies', () => {
  let cluster: TestCluster
  const viewers: Viewer[] = []

  beforeAll(async () => {
    cluster = await startTestCluster({ LLM_CONCURRENCY: String(REPLIES) })
  }, 90_000)
  afterAll(async () => {
    for (const { user } of viewers) user.close()
    await cluster.stop()
  }, 60_000)

  async function openViewer(index: number): Promise<Viewer> {
    const user = await openChatUser({ url: cluster.gateways[index % 2]?.url ?? '' })
    const { session } = await user.open()
    return { user, session }
  }

  it.each([
    { stoppedMs: 600, maxLateMs: 3000 },
    // Connections break meanwhile, and come back.
    { stoppedMs: 4000, maxLateMs: 7000 },
  ])(
    'for $stoppedMs ms keeps no draft without its end over $maxLateMs ms',
    async (fault) => {
      for (const { user } of viewers.splice(0)) user.close()
      const { promise: released, resolve: release } = Promise.withResolvers<undefined>()
      // Begins at once, and ends when all are to end.
      const before = (index: number) => (index === 1 ? released : undefined)
      const usage = { prompt: 1, completion: 2 }
      cluster.models.answer(streamReply({ pieces: ['one ', 'two'], usage, before }))
      for (let index = 0; index < REPLIES; index++) viewers.push(await openViewer(index))
      for (const { user, session } of viewers) await user.send(session, 'hello')
      await Promise.all(viewers.map(({ user }) => user.waitFor('reply:delta', () => true, 60_000)))

      const ends = viewers.map(({ user }) => whenEnded(user))
      const { pid } = cluster.redis
      if (pid === undefined) throw new Error('this Redis is no process of ours')
      process.kill(pid, 'SIGSTOP')
      release(undefined)
      await sleep(fault.stoppedMs)
      process.kill(pid, 'SIGCONT')
      const late = await Promise.all(
        viewers.map(async ({ user, session }, index) => {
          const endedAt = await ends[index]
          const { messages } = await user.open({ sessionId: session.id })
          return (endedAt ?? Infinity) - Date.parse(messages[1]?.createdAt ?? '')
        }),
      )
      expect(Math.max(...late)).toBeLessThan(fault.maxLateMs)
    },
    180_000,
  )
})

/** When a viewer hears of the end: by the entry, or by what makes a client ask for it. */
function whenEnded({ socket }: ChatUser): Promise<number> {
  return new Promise((resolve) => {
    const onSeq = (seq: number) => {
      if (seq === 2) resolve(Date.now())
    }
    socket.on('message:new', ({ message }: ServerPayload<'message:new'>) => onSeq(message.seq))
    socket.on('session:head', ({ lastSeq }: ServerPayload<'session:head'>) => onSeq(lastSeq))
    socket.on('session:updated', ({ session }: ServerPayload<'session:updated'>) =>
      onSeq(session.lastSeq),
    )
  })
}
