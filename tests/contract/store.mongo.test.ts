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
})
