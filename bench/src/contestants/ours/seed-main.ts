// Fills the store through the product's own store port, and is ready once it is full.
import { openBackend, type Backend } from '@chatbox/adapters'
import {
  createBackendHooks,
  createClock,
  runProcess,
  toBackendOptions,
  toOwnedId,
} from '@chatbox/kit'

/** `USER:ENTRIES` of each session that is to have a log. */
const logs = (process.env.SEED_LOGS ?? '').split(',').filter((word) => word !== '')
/** So many sessions of as many users, `seeded-0` and on, with one entry each. */
const sessions = Number(process.env.SEED_SESSIONS ?? 0)
const LANES = 32
const CONTENT = 'A message of two hundred characters, as people write them. '.padEnd(200, 'Yes. ')
const clock = createClock()

const kind = process.env.MODE === 'standalone' ? 'standalone' : 'gateway'

await runProcess(kind, async (context) => {
  const backend = await openBackend(toBackendOptions(context.settings), createBackendHooks(context))
  await Promise.all(logs.map((log) => seedLog(backend.store, log)))
  await Promise.all(Array.from({ length: LANES }, (_, lane) => seedLane(backend.store, lane)))
  return { checks: {}, stop: () => backend.close() }
})

async function seedLane(store: Backend['store'], lane: number): Promise<void> {
  for (let index = lane; index < sessions; index += LANES) await seedLog(store, `seeded-${index}:1`)
}

async function seedLog(store: Backend['store'], log: string): Promise<void> {
  const [userId = '', entries = '0'] = log.split(':')
  const now = clock.now().toISOString()
  const id = toOwnedId(`session-of-${userId}`, userId)
  const origin = { id, userId, userName: '', startedAt: now }
  await store.createSession({ ...origin, modelId: 'stamped' })
  for (let entry = 0; entry < Number(entries); entry += 1) {
    const isQuestion = entry % 2 === 0
    await store.append({
      message: {
        id: clock.newId(),
        sessionId: origin.id,
        kind: 'text',
        sender: isQuestion
          ? { type: 'user', id: userId, name: '' }
          : { type: 'ai', id: 'stamped', name: 'Stamped' },
        content: CONTENT,
        attachments: [],
        status: 'complete',
        createdAt: clock.now().toISOString(),
      },
    })
  }
}
