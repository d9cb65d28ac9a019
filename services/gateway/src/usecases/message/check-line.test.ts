import { describe, expect, it } from '@jest/globals'
import { createMetrics } from '@chatbox/kit'
import { newVisitorId } from '../../auth/visitor-tokens.ts'
import type { Context } from '../../context.ts'
import { checkLine, checkLineOf } from './check-line.ts'

const VISITOR = { user: { id: newVisitorId(), name: '', roles: [] }, lane: 'crowded' }
const USER = { user: { id: 'ann', name: '', roles: [] }, lane: 'crowded' }

const MESSAGE = { sessionId: 's', messageId: 'm' }

function setUp(
  waits: Record<string, number>,
  { assistedBy = null, stored }: { assistedBy?: string | null; stored?: string } = {},
) {
  const asked: string[] = []
  const context = {
    queue: { expectedWaitMs: (lane: string) => waits[lane] ?? 0 },
    sessions: {
      async find(id: string) {
        asked.push(id)
        return { id, assistedBy }
      },
    },
    messages: {
      find: async (_session: string, id: string) => (id === stored ? { id } : undefined),
    },
    metrics: createMetrics(),
  } as unknown as Context
  return { context, asked }
}

async function refusalOf(work: () => unknown): Promise<unknown> {
  try {
    await work()
    return 'accepted'
  } catch (error) {
    return error
  }
}

describe('a line', () => {
  it.each([
    [30_001, 1000],
    [45_000, 15_000],
    [600_000, 60_000],
  ])('of %p ms refuses a visitor for %p ms', async (waitMs, retryAfterMs) => {
    const { context } = setUp({ crowded: waitMs })
    const refusal = { code: 'TOO_MANY_REQUESTS', retryable: true, retryAfterMs }
    expect(await refusalOf(() => checkLine(context, VISITOR))).toMatchObject(refusal)
    expect(await refusalOf(() => checkLineOf(context, VISITOR, MESSAGE))).toMatchObject(refusal)
  })

  it('that is short, or another lane’s, refuses nobody, and no session is read for it', async () => {
    const { context, asked } = setUp({ crowded: 30_000, other: 600_000 })
    expect(await refusalOf(() => checkLineOf(context, VISITOR, MESSAGE))).toBe('accepted')
    expect(asked).toEqual([])
  })

  it('refuses no signed-in user', async () => {
    const { context } = setUp({ crowded: 600_000 })
    expect(await refusalOf(() => checkLineOf(context, USER, MESSAGE))).toBe('accepted')
  })

  it('refuses no message to a person who has taken over', async () => {
    const { context, asked } = setUp({ crowded: 600_000 }, { assistedBy: 'operator' })
    expect(await refusalOf(() => checkLineOf(context, VISITOR, MESSAGE))).toBe('accepted')
    expect(asked).toEqual(['s'])
  })

  it('does not refuse a message that is stored already', async () => {
    const { context } = setUp({ crowded: 600_000 }, { stored: 'm' })
    expect(await refusalOf(() => checkLineOf(context, VISITOR, MESSAGE))).toBe('accepted')
  })
})
