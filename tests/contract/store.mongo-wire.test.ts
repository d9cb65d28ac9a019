import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { BSON } from 'mongodb'
import { describeWithMongo, mongo, openMongoLab, type MongoLab } from './mongo.support.ts'
import { toCalls } from './store-calls.support.ts'
import { newSession, startReply } from './store.support.ts'

type Command = Record<string, unknown>

const OP_MSG = 2013
/** Header, flag bits and the kind of the first section. */
const DOCUMENT_OFFSET = 16 + 4 + 1
const READS = ['find', 'aggregate']
const WRITES = ['insert', 'update', 'findAndModify', 'delete']

/** Stands before the server and reads what the driver really sends. */
async function openTap(onCommand: (command: Command) => void) {
  const sockets: Socket[] = []
  const server = createServer((client) => {
    const upstream = connect(Number(new URL(mongo?.uri ?? '').port), '127.0.0.1')
    for (const socket of [client, upstream]) socket.on('error', () => undefined)
    sockets.push(client, upstream)
    client.pipe(upstream).pipe(client)
    let rest = Buffer.alloc(0)
    client.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      while (rest.length >= 4 && rest.length >= rest.readInt32LE(0)) {
        const message = rest.subarray(0, rest.readInt32LE(0))
        rest = rest.subarray(message.length)
        if (message.readInt32LE(12) !== OP_MSG) continue
        onCommand(
          BSON.deserialize(message.subarray(DOCUMENT_OFFSET), {
            allowObjectSmallerThanBufferSize: true,
          }),
        )
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

describeWithMongo('each command to MongoDB', () => {
  let lab: MongoLab
  let tap: Awaited<ReturnType<typeof openTap>>
  let commands: Command[]

  beforeEach(async () => {
    commands = []
    lab = await openMongoLab()
    tap = await openTap((command) => commands.push(command))
  })
  afterEach(async () => {
    await lab.close()
    tap.close()
  })

  it('writes what no failover takes back, and reads nothing else', async () => {
    const store = await lab.open(tap.port)
    const { session } = await store.sessions.create(newSession())
    const reply = await startReply(store, session.id)
    commands = []
    for (const call of Object.values(toCalls(store, reply))) await call()
    // The copies of the ends of logs gather for a while.
    await store.close()
    const sent = commands.map((command) => ({ ...command, name: Object.keys(command)[0] ?? '' }))
    const writes = sent.filter(({ name }) => WRITES.includes(name))
    expect(new Set(writes.map(({ name }) => name))).toEqual(
      new Set(['insert', 'update', 'findAndModify', 'delete']),
    )
    for (const write of writes) {
      expect(write).toMatchObject({ writeConcern: { w: 'majority', j: true } })
    }
    const reads = sent.filter(({ name }) => READS.includes(name))
    expect(reads.length).toBeGreaterThan(10)
    for (const read of reads) {
      expect(read).toMatchObject({ readConcern: { level: 'majority' } })
    }
  })
})
