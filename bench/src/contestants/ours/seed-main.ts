// Fills the store through the product's own ports. It is ready when the store is full.
import { setTimeout as sleep } from 'node:timers/promises'
import { openBackend, type Backend } from '@chatbox/adapters'
import type { NewEntry } from '@chatbox/core'
import {
  createBackendHooks,
  createClock,
  runProcess,
  toBackendOptions,
  toOwnedId,
} from '@chatbox/kit'

/** `USER:ENTRIES` of each session that gets a log. */
const logs = (process.env.SEED_LOGS ?? '').split(',').filter((word) => word !== '')
/** The number of sessions with one entry each, for the users `seeded-0` and on. */
const sessions = Number(process.env.SEED_SESSIONS ?? 0)
const LANES = 32
const MAX_ATTEMPTS = 20
const PAUSE_MS = 500
const CONTENT = 'A message of two hundred characters, as people write them. '.padEnd(200, 'Yes. ')
type SeedPorts = Pick<Backend, 'sessions' | 'messages' | 'pseudonym'>
const clock = createClock()

const kind = process.env.MODE === 'standalone' ? 'standalone' : 'gateway'

await runProcess(kind, async (context) => {
  const backend = await openBackend(toBackendOptions(context.settings), createBackendHooks(context))
  await Promise.all(logs.map((log) => seedLog(backend, log)))
  await Promise.all(Array.from({ length: LANES }, (_, lane) => seedLane(backend, lane)))
  return { checks: {}, stop: () => backend.close() }
})

async function seedLane(store: SeedPorts, lane: number): Promise<void> {
  for (let index = lane; index < sessions; index += LANES) await seedLog(store, `seeded-${index}:1`)
}

async function seedLog(store: SeedPorts, log: string): Promise<void> {
  const [userId = '', entries = '0'] = log.split(':')
  const now = clock.now().toISOString()
  const id = toOwnedId(`session-of-${userId}`, store.pseudonym(userId))
  const origin = { id, userId, userName: '', startedAt: now }
  await untilTaken(() => store.sessions.create({ ...origin, modelId: 'stamped' }))
  for (let entry = 0; entry < Number(entries); entry += 1) {
    const isQuestion = entry % 2 === 0
    const message: NewEntry['message'] = {
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
    }
    await untilTaken(() => store.messages.append({ message }))
  }
}

/**
 * Retries while the store is busy. Repeating an entry is harmless, because appending is idempotent.
 */
async function untilTaken<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write()
    } catch (error) {
      if (attempt === MAX_ATTEMPTS) throw error
      await sleep(PAUSE_MS)
    }
  }
}
