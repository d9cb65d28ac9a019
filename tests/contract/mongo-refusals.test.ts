import { afterEach, beforeEach, expect, it } from '@jest/globals'
import type { Store } from '@chatbox/adapters'
import { toAppError } from '@chatbox/core'
import type { Document } from 'mongodb'
import { openMongoStore } from '../../shared/adapters/src/mongo/open-mongo-store.ts'
import { startMongoLink, type MongoLink } from '../environment/servers/mongo-link.ts'
import { runEntry } from '../environment/servers/processes.ts'
import { newKeyRing, startSession, userEntry } from './store.support.ts'
import { describeWithMongo, mongo, openMongoLab, type MongoLab } from './mongo.support.ts'

const AUTHENTICATION_FAILED = { code: 18, errmsg: 'Authentication failed.' }
const READ_ONLY = {
  code: 13,
  errmsg: 'not authorized on chatbox to execute command { insert: "messages", x: "marker" }',
}
const WRITES = ['insert', 'update', 'findAndModify', 'createIndexes', 'create', 'drop']

let lab: MongoLab
let link: MongoLink
/** What the server says to commands of these names, from now on. */
let refused: { names: string[]; answer: Document } | undefined

beforeEach(async () => {
  if (!mongo) return
  refused = undefined
  lab = await openMongoLab()
  link = await startMongoLink(mongo.port, (command) => {
    const [name = ''] = Object.keys(command)
    const answer = refused?.names.includes(name) ? refused.answer : undefined
    return answer && (() => ({ ok: 0, ...answer }))
  })
})
afterEach(async () => {
  await lab.close()
  await link.close()
})
function openStore(uri: string): Promise<Store> {
  const database = lab.db.databaseName
  return openMongoStore({ uri, database, cipher: newKeyRing(), hooks: lab.hooks })
}

describeWithMongo('what MongoDB refuses at the start', () => {
  it.each([
    {
      what: 'a wrong password',
      uri: () => link.uri.replace('//', '//user:marker@'),
      said: { names: ['saslStart'], answer: AUTHENTICATION_FAILED },
      sentence: 'MongoDB cannot be used: Authentication failed. (code 18)',
    },
    {
      what: 'a user who may only read',
      uri: () => link.uri,
      said: { names: WRITES, answer: READ_ONLY },
      sentence: 'MongoDB cannot be used: not authorized on chatbox to execute command (code 13)',
    },
    {
      what: 'another replica set',
      uri: () => `mongodb://127.0.0.1:${link.port}/?replicaSet=wrong`,
      said: undefined,
      sentence: 'MongoDB cannot be used: no member of the replica set "wrong" is at its address',
    },
    {
      what: 'a server that lacks a command',
      uri: () => link.uri,
      said: { names: ['find'], answer: { code: 59, errmsg: 'no such command' } },
      sentence: 'MongoDB cannot be used: no such command (code 59)',
    },
  ])('ends it with a sentence: $what', async ({ uri, said, sentence }) => {
    refused = said
    await expect(openStore(uri())).rejects.toMatchObject({
      name: 'UnusableStoreError',
      message: sentence,
    })
    const env = { MONGO_URI: uri(), MONGO_DATABASE: lab.db.databaseName }
    const { code, stdout, stderr } = await runEntry('migrate', env)
    expect({ code, stderr }).toEqual({ code: 78, stderr: `chatbox: ${sentence}\n` })
    expect(stdout).not.toContain('marker')
  })

  it('is noticed of a user who may only read also where there is nothing to migrate', async () => {
    await lab.open()
    refused = { names: WRITES, answer: READ_ONLY }
    await expect(openStore(link.uri)).rejects.toMatchObject({ name: 'UnusableStoreError' })
  })
})

/** What an append to a session comes to, as a user is told, and as it is logged. */
async function append(store: Store, sessionId: string, content = 'marker') {
  const error: unknown = await store.messages
    .append(userEntry(sessionId, { content }))
    .catch((thrown: unknown) => thrown)
  const { code, message } = toAppError(error)
  return { code, message, logged: error instanceof Error ? error.message : '' }
}

describeWithMongo('what MongoDB refuses later', () => {
  let store: Store
  let sessionId: string
  beforeEach(async () => {
    if (!mongo) return
    store = await lab.open(link.port)
    sessionId = await startSession(store)
  })

  it.each([
    ['a user who may only read', READ_ONLY, 'not authorized'],
    ['a full disk', { code: 14_031, errmsg: 'out of disk space' }, 'out of disk space'],
    ['a quota', { code: 8000, errmsg: 'you are over your space quota' }, 'space quota'],
    ['a document that is too large', { code: 10_334, errmsg: 'BSONObj size: 17' }, 'BSONObj size'],
    ['another reason', { code: 123_456, errmsg: 'no' }, 'no \\(code 123456\\)'],
  ])('is INTERNAL, and names itself in the log: %s', async (_, answer, reason) => {
    refused = { names: ['insert'], answer }
    const { code, message, logged } = await append(store, sessionId)
    expect({ code, message }).toEqual({ code: 'INTERNAL', message: expect.any(String) })
    expect(message).not.toMatch(new RegExp(reason))
    expect(logged).toMatch(new RegExp(`^MongoDB refuses it: .*${reason}`))
    expect(logged).not.toContain('marker')
  })

  it('is INTERNAL where the driver itself finds a document too large', async () => {
    const saved = store.conversationRefs.save(sessionId, 'dify', 'x'.repeat(20_000_000))
    const error = toAppError(await saved.catch((thrown: unknown) => thrown))
    expect(error).toMatchObject({ code: 'INTERNAL' })
  })

  it("is INTERNAL where another one's unique index has it twice", async () => {
    await lab.db
      .collection('messages')
      .createIndexes([{ key: { foreign: 1 }, unique: true, name: 'theirs' }])
    await store.messages.append(userEntry(sessionId))
    const { code, logged } = await append(store, sessionId)
    expect(code).toBe('INTERNAL')
    expect(logged).toMatch(/^MongoDB refuses it: E11000 .*index: theirs \(code 11000\)$/)
  })

  it.each([
    ['a node that is no longer the primary', { code: 10_107, errmsg: 'not primary' }],
    ['a node that ends', { code: 91, errmsg: 'shutting down' }],
    ['a limit of time', { code: 50, errmsg: 'operation exceeded time limit' }],
    ['a conflict', { code: 112, errmsg: 'WriteConflict' }],
    ['a label', { code: 123_456, errmsg: 'no', errorLabels: ['RetryableWriteError'] }],
    ['replicas that are slow', { ok: 1, n: 1, writeConcernError: { code: 64, errmsg: 'slow' } }],
  ])('is UNAVAILABLE where it may pass: %s', async (_, answer) => {
    refused = { names: ['insert'], answer }
    expect(await append(store, sessionId)).toMatchObject({ code: 'UNAVAILABLE' })
  })
})
