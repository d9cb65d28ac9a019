import { describe, expect, it } from '@jest/globals'
import { toContext } from '../../shared/adapters/src/sealed/key-ring.ts'
import { newSession, userEntry } from '../contract/store.support.ts'
import { describeWithMongo } from '../contract/mongo.support.ts'
import { ADDED, findUnmarked, NEXT_TEXT, NEXT_VALUE } from './next-version.ts'
import { openSharedMongo } from './open-shared-mongo.ts'
import { openSharedSqlite } from './open-shared-sqlite.ts'
import { describeCarrying } from './store-carries.contract.ts'
import { describeNextValues } from './store-values.contract.ts'

describe('a SQLite file of the next version', () => {
  describeNextValues(openSharedSqlite)
  describeCarrying(openSharedSqlite)
})

describeWithMongo('a database of the next version', () => {
  describeNextValues(openSharedMongo)
  describeCarrying(openSharedMongo)

  it('keeps in each entry what the next version knows of how its session began', async () => {
    const shared = await openSharedMongo()
    const next = await shared.open('next')
    const session = newSession()
    await next.sessions.create(session)
    await next.messages.append(userEntry(session.id))
    await shared.upgrade()
    const store = await shared.open('this')
    await store.messages.open(session.id, { limit: 5 })
    await store.messages.append(userEntry(session.id))
    const origin = (await shared.readRows(session.id)).at(-1)?.origin
    expect(findUnmarked(origin)).toEqual([])
    const sealed = shared.cipher.open(origin?.sealed ?? '', toContext('session', session.id))
    expect(JSON.parse(sealed)).toMatchObject({ userName: 'Ada', [ADDED]: { text: NEXT_TEXT } })
    await shared.close()
  })

  it('leaves the projection of a session alone that is in an unknown status, and its key', async () => {
    const shared = await openSharedMongo()
    const store = await shared.open('this')
    const session = newSession()
    await store.sessions.create(session)
    await store.messages.append(userEntry(session.id))
    // With it goes its projection, which would come after what is written below.
    await store.close()
    const newest = { sessionId: session.id, seq: 1 }
    await shared.db
      .collection('messages')
      .updateOne(newest, { $set: { 'state.status': NEXT_VALUE } })
    const before = { seq: 0, 'state.status': 'active', status: 'active' }
    await shared.db.collection('sessions').updateMany({}, { $set: before })
    const other = await shared.open('this')
    expect(await other.sessions.find(session.id)).toMatchObject({ status: 'ended', lastSeq: 1 })
    expect(await shared.db.collection('sessions').findOne()).toMatchObject({
      seq: 0,
      activeKey: `user:${session.userId}`,
    })
    await shared.close()
  })
})
