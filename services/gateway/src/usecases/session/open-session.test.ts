import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from '@jest/globals'
import type { Message, User } from '@chatbox/contract'
import { initialState, toSession, type Draft, type ReplyTask } from '@chatbox/core'
import { toOwnedId } from '@chatbox/kit'
import type { Context } from '../../context.ts'
import type { Caller } from '../caller.ts'
import { openSession } from './open-session.ts'

const pseudonym = (name: string) => `mark-of-${name}`
const ANN: User = { id: 'ann', name: 'Ann', roles: ['user'] }
const STARTED = '2026-01-01T00:00:00.000Z'
const sessionId = toOwnedId('session', pseudonym(ANN.id))
const QUESTION = toMessage('question', 1)
const ANSWER = toMessage('reply', 2)
const OPEN: ReplyTask = {
  sessionId,
  messageId: 'question',
  questionSeq: 1,
  replyId: 'reply',
  modelId: 'demo',
  state: 'running',
  epoch: 1,
  attempts: 0,
  stopRequested: false,
  askedAt: STARTED,
}

function toMessage(id: string, seq: number): Message {
  return {
    id,
    sessionId,
    seq,
    kind: 'text',
    sender: { type: 'ai', id: 'demo', name: '' },
    content: id,
    attachments: [],
    status: 'complete',
    createdAt: STARTED,
  }
}

/** Every read has points enough. */
const guard: Partial<Context['guard']> = { chargeRead: async () => undefined }

/** A session whose reply is finished at the given moment, and how often its log is read. */
function setUp(finishesAt: 'draft' | 'never') {
  const log = [QUESTION]
  let reads = 0
  const messages: Partial<Context['messages']> = {
    async open() {
      reads++
      const origin = { id: sessionId, userId: ANN.id, userName: '', startedAt: STARTED }
      const session = toSession(origin, { seq: log.length, state: initialState('demo', STARTED) })
      return { session, page: { messages: [...log], hasMore: false }, mayHaveOpenTask: true }
    },
    find: async (_sessionId, id) => log.find((message) => message.id === id),
  }
  const replies = { findOpen: async () => OPEN }
  const readDraft = async (): Promise<Draft | undefined> => {
    if (finishesAt === 'never') return { attempt: 1, index: 3, text: 'so far' }
    log.push(ANSWER)
    return undefined
  }
  const viewer = { join: async () => undefined, leave: () => undefined, note: () => undefined }
  const context = { messages, replies, guard, pseudonym, bus: { readDraft } } as unknown as Context
  const caller = { user: ANN, viewer } as unknown as Caller
  return { open: () => openSession(context, caller, { sessionId }), reads: () => reads }
}

describe('opening a session that is being answered', () => {
  it('reads the log once and answers what there is of the reply', async () => {
    const { open, reads } = setUp('never')
    const { messages, reply } = await open()
    expect(messages).toEqual([QUESTION])
    expect(reply).toMatchObject({ replyId: 'reply', attempt: 1, index: 3, text: 'so far' })
    expect(reads()).toBe(1)
  })

  it('has the reply in the log where it finished before its draft was read', async () => {
    const { open } = setUp('draft')
    const { messages, reply } = await open()
    expect(messages).toEqual([QUESTION, ANSWER])
    expect(reply).toBeNull()
  })
})

/** A session in which somebody writes before and after each step of its opening. */
function setUpBusy() {
  const log: Message[] = []
  const heard: Message[] = []
  let isJoined = false
  const write = () => {
    const entry = toMessage(`entry-${log.length}`, log.length + 1)
    log.push(entry)
    if (isJoined) heard.push(entry)
  }
  /** As over a network: what follows happens in a later turn. */
  async function step<T>(result: () => T): Promise<T> {
    write()
    await setImmediate()
    const value = result()
    write()
    return value
  }
  const viewer = {
    async join() {
      // Takes longer than a read, so it has to be waited for.
      for (let turn = 0; turn < 3; turn += 1) await step(() => undefined)
      isJoined = true
    },
    leave: () => undefined,
    note: write,
  }
  const messages: Partial<Context['messages']> = {
    open: () =>
      step(() => {
        const origin = { id: sessionId, userId: ANN.id, userName: '', startedAt: STARTED }
        const session = toSession(origin, { seq: log.length, state: initialState('demo', STARTED) })
        return { session, page: { messages: [...log], hasMore: false }, mayHaveOpenTask: true }
      }),
    find: () => step(() => undefined),
  }
  const replies = { findOpen: () => step(() => OPEN) }
  const bus = { readDraft: () => step(() => undefined) }
  const context = { messages, replies, guard, pseudonym, bus } as unknown as Context
  const caller = { user: ANN, viewer } as unknown as Caller
  return { open: () => openSession(context, caller, { sessionId }), log, heard }
}

describe('opening a session in which somebody writes', () => {
  it('leaves no entry out of both the page and the events after the join', async () => {
    const { open, log, heard } = setUpBusy()
    const { messages } = await open()
    expect(log.length).toBeGreaterThan(8)
    expect(log.filter((entry) => !messages.includes(entry) && !heard.includes(entry))).toEqual([])
  })
})
