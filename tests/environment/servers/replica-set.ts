import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient, MongoServerError, type Document } from 'mongodb'

export const REPLICA_SET = 'chatbox'

const ALREADY_INITIALIZED = 23
const PRIMARY_TIMEOUT_MS = 60_000
const POLL_MS = 100

interface Member {
  port: number
}

/**
 * Makes a `mongod` with `--replSet` the primary of a set of one, or waits until it is primary
 * again.
 */
export async function makePrimary({ port }: Member): Promise<void> {
  const members = [{ _id: 0, host: `127.0.0.1:${port}` }]
  const initiate = askAdmin({ port }, { replSetInitiate: { _id: REPLICA_SET, members } })
  await initiate.catch((error: unknown) => {
    if (!(error instanceof MongoServerError) || error.code !== ALREADY_INITIALIZED) throw error
  })
  await waitForPrimary({ port })
}

/** Rejects if it is not primary within a minute. */
export async function waitForPrimary(member: Member): Promise<void> {
  const deadline = performance.now() + PRIMARY_TIMEOUT_MS
  while (!(await isPrimary(member))) {
    if (performance.now() > deadline) throw new Error('no primary was elected')
    await sleep(POLL_MS)
  }
}

/** Sends a command to this member, whatever its state. */
export async function askAdmin({ port }: Member, command: Document): Promise<Document> {
  const client = new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`)
  try {
    return await client.db('admin').command(command)
  } finally {
    await client.close()
  }
}

async function isPrimary(member: Member): Promise<boolean> {
  const hello = await askAdmin(member, { hello: 1 }).catch((): Document => ({}))
  return hello.isWritablePrimary === true
}
