import { afterAll, expect, it } from '@jest/globals'
import { describeStore } from './store.contract.ts'
import { startSession, userEntry } from './store.support.ts'
import { describeWithMongo, mongo, openMongoHarness, openMongoLab } from './mongo.support.ts'

afterAll(() => mongo?.stop())

describeWithMongo('The store on MongoDB', () => {
  describeStore(async () => openMongoHarness(await openMongoLab()))

  it('opens a log whose entries do not say yet what their session began as', async () => {
    const lab = await openMongoLab()
    const store = await lab.open()
    const sessionId = await startSession(store)
    await store.messages.append(userEntry(sessionId))
    const before = await store.messages.open(sessionId, { limit: 5 })
    await lab.db
      .collection('messages')
      .updateMany({ sessionId }, { $unset: { origin: '', 'state.unanswered': '' } })
    const opened = await store.messages.open(sessionId, { limit: 5 })
    expect(opened).toEqual({ ...before, mayHaveOpenTask: true })
    expect(opened?.session.userName).toBe('Ada')
    await lab.close()
  })

  it('needs no index that a former version has made', async () => {
    const lab = await openMongoLab()
    const messages = lab.db.collection('messages')
    const former = { name: 'client', key: { sessionId: 1, clientKey: 1 }, unique: true }
    const old = { sessionId: 'old', head: {}, sealed: '', state: {}, stateSealed: '' }
    await messages.insertMany([1, 2].map((seq) => ({ ...old, seq, clientKey: `client:${seq}` })))
    await messages.createIndexes([former])
    const [store, second] = await Promise.all([lab.open(), lab.open()])
    const sessionId = await startSession(store)
    await store.messages.append(userEntry(sessionId))
    expect((await second.messages.append(userEntry(sessionId))).message.seq).toBe(2)
    expect(await messages.indexExists('client')).toBe(false)
    await lab.close()
  })
})
