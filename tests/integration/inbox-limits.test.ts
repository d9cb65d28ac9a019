import { beforeAll, describe, expect, it } from '@jest/globals'
import { MAX_CATCH_UP } from '../../services/gateway/src/usecases/inbox/follow-inbox.ts'
import { MAX_LOOKED_AT } from '../../services/gateway/src/usecases/inbox/list-inbox.ts'
import { newSession, userEntry } from '../contract/store.support.ts'
import { useGateway } from '../support/gateway-harness.ts'

const SESSIONS = MAX_CATCH_UP + 1
const h = useGateway()

beforeAll(async () => {
  const { sessions, messages } = h.backend.ports
  for (let index = 0; index < SESSIONS; index++) {
    const { session } = await sessions.create(newSession(`user-${index}`))
    // The oldest one is the last in a list.
    const content = index === 0 ? 'A needle' : 'Some hay'
    await messages.append(userEntry(session.id, { content }))
  }
})

const connect = () => h.connect({ userId: 'olga', roles: ['chat_admin'] })

describe('an inbox of many sessions', () => {
  it('tells a console that has missed too much to read its lists anew', async () => {
    const olga = await connect()
    await olga.emit('inbox:subscribe', {})
    const cursor = '2026-01-01T00:00:00.000Z'
    const { rows, isTooOld, counts } = await olga.emit('inbox:subscribe', { cursor })
    expect({ rows, isTooOld, assistant: counts.assistant }).toEqual({
      ...{ rows: [], isTooOld: true, assistant: SESSIONS },
    })
  })

  it('looks at so many sessions for a filter, and goes on in the next page', async () => {
    const olga = await connect()
    for (let index = 0; index < SESSIONS; index++) {
      const session = await h.backend.ports.sessions.findActive(`user-${index}`)
      if (!session) throw new Error('it is active')
      await olga.emit('session:end', { sessionId: session.id })
    }
    const found: number[] = []
    let after: string | undefined
    do {
      const page = await olga.emit('inbox:list', {
        ...{ view: 'ended', text: 'needle' },
        ...(after !== undefined && { after }),
      })
      found.push(page.rows.length)
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(found).toEqual([0, 1])
    expect(found).toHaveLength(Math.ceil(SESSIONS / MAX_LOOKED_AT.inStore))
  }, 60_000)
})
