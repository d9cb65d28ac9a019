import { afterEach, expect, it } from '@jest/globals'
import type { Document } from 'mongodb'
import type { RunningMongo } from '../../environment/servers/mongo.ts'
import { makePrimary } from '../../environment/servers/replica-set.ts'
import { describeWithMongo, mongo } from '../../contract/mongo.support.ts'
import { startMongoLink, type MongoLink } from '../../environment/servers/mongo-link.ts'
import { createPrimaryNemeses } from './back-end-nemeses.ts'
import { createRandom } from '../random.ts'

/** Commands that only a real one knows, as they were sent. */
const sent: Document[] = []
const done: string[] = []
let link: MongoLink | undefined
afterEach(async () => {
  await link?.close()
  link = undefined
  sent.length = done.length = 0
})
/** The stand-in, as if it were a real one. */
async function startPretender(over: Partial<RunningMongo> = {}): Promise<RunningMongo> {
  const answers: Document[] = [{ ok: 1 }, { ok: 0, code: 23, errmsg: 'already initialized' }]
  link = await startMongoLink(mongo?.port ?? 0, (command) => {
    if ('hello' in command) return () => ({ ok: 1, isWritablePrimary: true })
    if (!('replSetStepDown' in command) && !('replSetInitiate' in command)) return undefined
    const { $db, lsid, ...rest } = command
    return () => answers[Math.min(sent.push(rest), answers.length) - 1] ?? {}
  })
  return {
    kind: 'mongod',
    isReal: true,
    uri: link.uri,
    port: link.port,
    pid: 1,
    kill: (signal) => void done.push(signal),
    restart: async () => void done.push('restart'),
    stop: async () => undefined,
    ...over,
  }
}

describeWithMongo('the primary of a real replica set', () => {
  it('is made of one member, which is asked once more after a restart', async () => {
    const { port } = await startPretender()
    await makePrimary({ port })
    await makePrimary({ port })
    const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
    const initiate = { replSetInitiate: { _id: 'chatbox', members } }
    expect(sent).toEqual([initiate, initiate])
  })

  it('steps down by force, since nobody takes over, and is waited for', async () => {
    const [stepDown] = createPrimaryNemeses({ mongo: await startPretender() })
    const strike = stepDown?.plan(createRandom(1))
    await strike?.begin()
    await strike?.end?.()
    const seconds = (strike?.holdMs ?? 0) / 1000
    expect(sent).toEqual([{ replSetStepDown: seconds, secondaryCatchUpPeriodSecs: 0, force: true }])
    expect(seconds).toBeGreaterThanOrEqual(5)
  })

  it('is killed, and started again', async () => {
    const [, kill] = createPrimaryNemeses({ mongo: await startPretender() })
    const strike = kill?.plan(createRandom(1))
    await strike?.begin()
    expect(done).toEqual(['SIGKILL'])
    await strike?.end?.()
    expect(done).toEqual(['SIGKILL', 'restart'])
  })

  it.each([
    [{ kind: 'mongo-java-server', isReal: false }, ['step-down', 'kill-primary']],
    [{ kind: 'MONGO_URI', isReal: false, pid: undefined }, ['step-down', 'kill-primary']],
    [{ kind: 'docker', pid: undefined }, ['kill-primary']],
    [{}, []],
  ] satisfies [Partial<RunningMongo>, string[]][])(
    'is not there, or not ours to kill, where the store is %j',
    async (over, expected) => {
      const nemeses = createPrimaryNemeses({ mongo: await startPretender(over) })
      const skipped = nemeses.filter((nemesis) => nemesis.skipped !== undefined)
      expect(skipped.map(({ kind }) => kind)).toEqual(expected)
    },
  )
})
