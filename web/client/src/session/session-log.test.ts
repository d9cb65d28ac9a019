import type { ActiveReply, ClientData, Session, SessionEvent } from '@chatbox/contract'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  applyEvent,
  createSessionLog,
  isBehind,
  type LogEvent,
  type SessionLog,
} from './session-log.ts'
import {
  createEvent,
  createMessage,
  createReply,
  createSession,
  FakeServer,
} from './fake-server.test.support.ts'

function openEmpty(): SessionLog {
  return createSessionLog({ session: createSession(), messages: [], hasMore: false, reply: null })
}

function applyAll(log: SessionLog, events: LogEvent[]): SessionLog {
  return events.reduce(applyEvent, log)
}

const question = createMessage(1, { id: 'q' })
const start = { sessionId: 's', replyId: 'r', replyTo: 'q', modelId: 'm', attempt: 1 }
const delta = (index: number, text: string, attempt = 1): LogEvent => ({
  type: 'delta',
  delta: { sessionId: 's', replyId: 'r', attempt, index, text },
})

describe('session log', () => {
  it('drops what it has and applies what is next', () => {
    const log = applyAll(openEmpty(), [
      { type: 'message', message: question },
      { type: 'message', message: { ...question, content: 'another text' } },
      { type: 'message', message: createMessage(2) },
    ])
    expect(log.messages.map(({ seq }) => seq)).toEqual([1, 2])
    expect(log.messages[0]?.content).toBe(question.content)
  })

  it('keeps the place of an entry that a later version wrote, and waits for no answer to it', () => {
    const kinds = [{ kind: 'poll' }, { kind: 'event', event: { type: 'file_shared' } }]
    const later = kinds.map((more, index) => ({
      type: 'message' as const,
      message: Object.assign(createMessage(index + 1), more),
    }))
    const log = applyAll(openEmpty(), later)
    expect(log).toMatchObject({ lastSeq: 2, awaiting: '' })
  })

  it('asks for a missing entry and keeps the one that came too early', () => {
    const early = applyEvent(openEmpty(), { type: 'message', message: createMessage(2) })
    expect(isBehind(early)).toBe(true)
    expect(early.messages).toEqual([])
    const filled = applyEvent(early, { type: 'message', message: question })
    expect(isBehind(filled)).toBe(false)
    expect(filled.messages.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('notices a lost last entry by the head', () => {
    expect(isBehind(applyEvent(openEmpty(), { type: 'head', lastSeq: 1 }))).toBe(true)
    expect(isBehind(applyEvent(openEmpty(), { type: 'head', lastSeq: 0 }))).toBe(false)
  })

  it('keeps a reply that began after the page was asked for, which knows nothing of it', () => {
    const session = { ...createSession(), lastSeq: 1 }
    const page = { session, messages: [question], hasMore: false, reply: null }
    const log = applyAll(createSessionLog(page), [{ type: 'start', start }, delta(0, 'new')])
    const opened = { type: 'opened', page, afterSeq: 1 } as const
    expect(applyEvent(log, { ...opened, drafts: [] }).drafts).toEqual(log.drafts)
    expect(applyEvent(log, { ...opened, drafts: log.drafts }).drafts).toEqual([])
  })

  it('lets a higher attempt replace the text of a lower one, and ignores the lower one after', () => {
    const log = applyAll(openEmpty(), [
      { type: 'message', message: question },
      { type: 'start', start },
      delta(0, 'old'),
      { type: 'start', start: { ...start, attempt: 2 } },
      delta(0, 'new', 2),
      delta(1, ' late'),
    ])
    expect(log.drafts).toMatchObject([{ attempt: 2, text: 'new' }])
  })

  it('lets the delta of a higher attempt replace the text, where its start was lost', () => {
    const log = applyAll(openEmpty(), [
      { type: 'start', start },
      delta(0, 'old'),
      delta(0, 'new', 2),
    ])
    expect(log.drafts).toMatchObject([{ attempt: 2, text: 'new' }])
  })

  it('keeps a bounded number of what came too early, the next ones', () => {
    const once = Array.from({ length: 600 }, (_, index) => 600 - index)
    const late = [...once, ...once]
    const log = applyAll(openEmpty(), [
      { type: 'start', start },
      ...late.map((index) => delta(index, 'x')),
      ...late.map((index): LogEvent => ({ type: 'message', message: createMessage(index + 1) })),
    ])
    expect(log.ahead.map(({ seq }) => seq)).toEqual(Array.from({ length: 200 }, (_, i) => i + 2))
    expect(log.drafts[0]?.ahead.map(({ index }) => index)).toEqual(
      Array.from({ length: 512 }, (_, i) => i + 1),
    )
  })

  it('shows no text behind a missing delta, and all of it once the delta is here', () => {
    const gap = applyAll(openEmpty(), [{ type: 'start', start }, delta(0, 'a'), delta(2, 'c')])
    expect(gap.drafts[0]?.text).toBe('a')
    expect(applyEvent(gap, delta(1, 'b')).drafts[0]?.text).toBe('abc')
  })

  it('asks a few times for a missing delta and then waits for the final message', () => {
    const reply: ActiveReply = { ...createReply(), attempt: 1, index: 1, text: 'a' }
    const page: ClientData<'session:open'> = {
      session: createSession(),
      messages: [],
      hasMore: false,
      reply,
    }
    let log = applyAll(openEmpty(), [{ type: 'start', start }, delta(2, 'c')])
    let asks = 0
    while (isBehind(log) && asks < 20) {
      asks += 1
      log = applyEvent(log, { type: 'opened', page, afterSeq: 0 })
    }
    expect(asks).toBe(3)
    expect(isBehind(applyEvent(log, delta(3, 'd')))).toBe(false)
  })

  it('replaces a draft by the message with its id', () => {
    const final = createMessage(2, { id: 'r', replyTo: 'q', sender: 'ai' })
    const log = applyAll(openEmpty(), [
      { type: 'message', message: question },
      { type: 'start', start },
      delta(0, 'half'),
      { type: 'message', message: final },
      delta(1, ' and a late piece'),
    ])
    expect(log.drafts).toEqual([])
    expect(log.messages.at(-1)).toBe(final)
  })

  it('waits for the reply to a question until anything of it is heard', () => {
    const asked = applyEvent(openEmpty(), { type: 'message', message: question })
    expect(asked.awaiting).toBe('q')
    expect(applyEvent(asked, { type: 'start', start }).awaiting).toBe('')
    const failed = createMessage(2, { replyTo: 'q', sender: 'ai' })
    expect(applyEvent(asked, { type: 'message', message: failed }).awaiting).toBe('')
  })

  it('drops every draft when a person takes over, and lets no delta in after that', () => {
    const by = { id: 'o', name: 'Olga' }
    const log = applyAll(openEmpty(), [
      { type: 'message', message: question },
      { type: 'start', start },
      delta(0, 'half'),
      { type: 'message', message: createEvent(2, { type: 'takeover_started', by }) },
      delta(1, 'late'),
      { type: 'start', start: { ...start, attempt: 2 } },
    ])
    expect(log.drafts).toEqual([])
    expect(log.session.assistedBy?.id).toBe('o')
  })

  it('is moved by what events say, and not by an older summary', () => {
    const ended = createEvent(1, { type: 'session_ended', reason: 'idle' })
    const log = applyAll(openEmpty(), [
      { type: 'message', message: ended },
      { type: 'session', session: createSession() },
    ])
    expect(log.session.status).toBe('ended')
    const named: Session = { ...createSession(), lastSeq: 1, name: 'Newer', status: 'ended' }
    expect(applyEvent(log, { type: 'session', session: named }).session.name).toBe('Newer')
  })

  it('keeps an entry that only a newer client knows, and goes on', () => {
    const unknown = { type: 'rated', stars: 5 } as unknown as SessionEvent
    const log = applyAll(openEmpty(), [
      { type: 'message', message: createEvent(1, unknown) },
      { type: 'message', message: createMessage(2) },
    ])
    expect(log.messages.map(({ seq }) => seq)).toEqual([1, 2])
  })

  it('keeps the latest 10,000 entries, and says that there are older ones', () => {
    const messages = Array.from({ length: 10_000 }, (_, index) => createMessage(index + 1))
    const session = { ...createSession(), lastSeq: 10_000 }
    const full = createSessionLog({ session, messages, hasMore: false, reply: null })
    expect(full).toMatchObject({ hasOlder: false, lastSeq: 10_000 })
    const log = applyEvent(full, { type: 'message', message: createMessage(10_001) })
    expect(log.messages).toHaveLength(10_000)
    expect(log.messages[0]?.seq).toBe(2)
    expect(log.hasOlder).toBe(true)
  })

  it('puts older entries in front, and only where they touch', () => {
    const messages = [createMessage(5)]
    const session = { ...createSession(), lastSeq: 5 }
    const log = createSessionLog({ session, messages, hasMore: true, reply: null })
    expect(log.hasOlder).toBe(true)
    const page = { messages: [createMessage(3), createMessage(4)], hasMore: true }
    const grown = applyEvent(log, { type: 'older', page })
    expect(grown.messages.map(({ seq }) => seq)).toEqual([3, 4, 5])
    const hole = { messages: [createMessage(1)], hasMore: false }
    expect(applyEvent(grown, { type: 'older', page: hole })).toBe(grown)
  })

  it('starts again at the latest page where that does not touch what is known', () => {
    const log = applyAll(openEmpty(), [{ type: 'message', message: question }])
    const session = { ...createSession(), lastSeq: 900 }
    const page = { session, messages: [createMessage(900)], hasMore: true, reply: null }
    const moved = applyEvent(log, { type: 'opened', page })
    expect(moved.messages.map(({ seq }) => seq)).toEqual([900])
    expect(isBehind(moved)).toBe(false)
  })
})

describe('any loss, repetition and order of events', () => {
  const actions = fc.array(
    fc.constantFrom('ask', 'start', 'write', 'write', 'write', 'finish', 'retry', 'end-attempt'),
    { maxLength: 60 },
  )

  it('ends in the log of the server after a catch-up', () => {
    fc.assert(
      fc.property(actions, fc.array(fc.nat(), { maxLength: 300 }), (script, chaos) => {
        const server = new FakeServer()
        for (const action of script) server.act(action)
        const log = catchUp(applyAll(openEmpty(), shuffle(server.events, chaos)), server)
        expect(log.messages).toEqual(server.messages)
        expect(log.lastSeq).toBe(server.messages.length)
        expect(log.drafts.map(({ replyId, text }) => ({ replyId, text }))).toEqual(
          server.reply ? [{ replyId: server.reply.replyId, text: server.reply.text }] : [],
        )
      }),
      { numRuns: 300 },
    )
  })

  it('never shows a text that the server did not write, at no moment', () => {
    fc.assert(
      fc.property(actions, fc.array(fc.nat(), { maxLength: 300 }), (script, chaos) => {
        const server = new FakeServer()
        for (const action of script) server.act(action)
        let log = openEmpty()
        for (const event of shuffle(server.events, chaos)) {
          log = applyEvent(log, event)
          for (const { replyId, attempt, text } of log.drafts) {
            expect(server.textOf(replyId, attempt).startsWith(text)).toBe(true)
          }
          expect(log.messages.map(({ seq }) => seq)).toEqual(log.messages.map((_, i) => i + 1))
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** Each number drops, repeats or moves one event. */
function shuffle(events: readonly LogEvent[], chaos: readonly number[]): LogEvent[] {
  const out = [...events]
  for (const number of chaos) {
    if (out.length === 0) break
    const at = number % out.length
    const [event] = out.splice(at, 1)
    const to = (number >> 4) % (out.length + 1)
    if (event && number % 3 > 0) out.splice(to, 0, ...(number % 3 === 1 ? [event] : [event, event]))
  }
  return out
}

function catchUp(log: SessionLog, server: FakeServer): SessionLog {
  let state = log
  for (let round = 0; round < 100; round += 1) {
    const afterSeq = state.lastSeq
    state = applyEvent(state, { type: 'opened', page: server.open(afterSeq, 3), afterSeq })
    if (!isBehind(state)) return state
  }
  throw new Error('never caught up')
}
