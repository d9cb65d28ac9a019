// Started by a test with a data folder, a key and a session's id: appends to the session until it is
// killed, and prints the id of each entry once the store has acknowledged it.
import { randomUUID } from 'node:crypto'
import { createKeyRing, openSqliteStore } from '@chatbox/adapters'
import { toAppError, type NewEntry } from '@chatbox/core'

const [dataDir = '', key = '', sessionId = ''] = process.argv.slice(2)
const cipher = createKeyRing([{ id: 'k1', key: Buffer.from(key, 'base64') }])
const hooks = { onError: () => undefined, onPayloadRefused: () => undefined }
const store = await openSqliteStore({ dataDir, cipher, hooks })
for (;;) {
  const entry: NewEntry = {
    message: {
      id: randomUUID(),
      sessionId,
      kind: 'text',
      sender: { type: 'user', id: 'user', name: 'Ada' },
      content: 'What is a monad?',
      attachments: [],
      status: 'complete',
      createdAt: new Date().toISOString(),
    },
    replyId: randomUUID(),
  }
  try {
    const { message } = await store.messages.append(entry)
    // Without a callback a pipe is written before the call returns: what is printed was acknowledged.
    process.stdout.write(`${message.id}\n`)
  } catch (error) {
    // Several writers may keep each other waiting for too long; such an entry is not acknowledged.
    if (toAppError(error).code !== 'UNAVAILABLE') throw error
  }
}
