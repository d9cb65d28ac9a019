import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import {
  LIMITS,
  sessionSchema,
  type Message,
  type SessionEvent,
  type Sender,
} from '@chatbox/contract'
import { AppError } from './errors.ts'
import { initialState, placeEntry, toSession, type LogHead, type NewEntry } from './session.ts'

const START = '2026-01-02T03:04:05.000Z'
const LATER = '2026-01-02T03:05:00.000Z'
const eve = { id: 'eve', name: 'Eve' }
const bob = { id: 'bob', name: 'Bob' }

function entry(sender: Sender, more: Partial<NewEntry['message']> = {}): NewEntry {
  return {
    message: {
      id: 'm1',
      sessionId: 's1',
      kind: more.event ? 'event' : 'text',
      sender,
      content: 'Hello',
      attachments: [],
      status: 'complete',
      createdAt: LATER,
      ...more,
    },
  }
}

const user: Sender = { type: 'user', id: 'u1', name: 'Ada' }
const ai: Sender = { type: 'ai', id: 'm', name: 'Model' }
const system: Sender = { type: 'system', id: 'system', name: '' }
const admin = (who: typeof eve): Sender => ({ type: 'admin', ...who })
const event = (sender: Sender, what: SessionEvent) => entry(sender, { event: what, content: '' })

const empty: LogHead = { seq: 0, state: initialState('m1', START) }

/** The head after all `entries`. */
function after(...entries: NewEntry[]): LogHead {
  return entries.reduce<LogHead>((head, next) => {
    const { message, state } = placeEntry(head, next)
    return { seq: message.seq, state }
  }, empty)
}

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : String(thrown)
  }
  return 'nothing thrown'
}

const takenOver = (who: typeof eve) => event(admin(who), { type: 'takeover_started', by: who })
const ended = event(system, { type: 'session_ended', reason: 'idle' })

describe('placeEntry', () => {
  it('gives the next seq and names a question with the model of then', () => {
    const selected = after(event(user, { type: 'model_selected', modelId: 'm2' }))
    const placed = placeEntry(selected, { ...entry(user), replyId: 'r1' })
    expect(placed.message.seq).toBe(2)
    expect(placed.question).toEqual({ replyId: 'r1', modelId: 'm2' })
    expect(placeEntry(selected, entry(user)).question).toBeNull()
  })

  it('counts messages, usage and response times, but not events', () => {
    const usage = { promptTokens: 10, completionTokens: 5, totalTokens: 15 }
    const { state } = after(
      entry(user),
      { ...entry(ai, { usage }), responseTimeMs: 300 },
      event(user, { type: 'help_requested', note: 'please' }),
      { ...entry(ai, { usage }), responseTimeMs: 100 },
    )
    expect(state.messageCount).toBe(3)
    expect(state.usage).toEqual({ promptTokens: 20, completionTokens: 10, totalTokens: 30 })
    expect(state.responses).toEqual({ count: 2, totalMs: 400, maxMs: 300 })
    expect(state.help).toEqual({ requestedAt: LATER, note: 'please' })
  })

  it.each(['promptTokens', 'completionTokens', 'totalTokens'] as const)(
    'stops counting %s at the largest number that can be stored',
    (name) => {
      const usage = { promptTokens: 1, completionTokens: 1, totalTokens: 2 }
      const full = { ...usage, [name]: Number.MAX_SAFE_INTEGER }
      const { state } = after(entry(user), entry(ai, { usage: full }), entry(ai, { usage: full }))
      expect(state.usage).toEqual({
        promptTokens: 2,
        completionTokens: 2,
        totalTokens: 4,
        [name]: Number.MAX_SAFE_INTEGER,
      })
    },
  )

  it('counts the questions that have no complete answer', () => {
    const question = { ...entry(user), replyId: 'r1' }
    const answer = (more: Partial<NewEntry['message']>) => entry(ai, { replyTo: 'm1', ...more })
    const count = (...entries: NewEntry[]) => after(...entries).state.unanswered
    expect(count(entry(user), entry(ai), ended)).toBe(0)
    expect(count(question, entry(user), question)).toBe(2)
    expect(count(question, answer({ status: 'incomplete' }))).toBe(1)
    expect(count(question, question, answer({}), entry(user, { replyTo: 'm1' }))).toBe(1)
    expect(count(question, answer({}), answer({}))).toBe(0)
    expect(count(takenOver(eve), question)).toBe(0)
  })

  it.each([
    ['Hello', 'Hello'],
    ['\n  First line \r\nsecond', 'First line'],
    ['x'.repeat(60), 'x'.repeat(60)],
    ['x'.repeat(61), `${'x'.repeat(59)}…`],
    ['😀'.repeat(61), `${'😀'.repeat(59)}…`],
    [`${'x'.repeat(58)}  yy`, `${'x'.repeat(58)}…`],
  ])('names the session after %p', (content, name) => {
    const { state } = after(entry(user, { content }), entry(user, { content: 'something else' }))
    expect(state.name).toBe(name)
    expect(Array.from(state.name).length).toBeLessThanOrEqual(LIMITS.sessionNameLength)
  })

  it('takes no name from anybody but the user', () => {
    expect(after(entry(ai), entry(user, { content: 'Mine' })).state.name).toBe('Mine')
  })

  it('never moves the last activity back', () => {
    const early = entry(user, { createdAt: '2026-01-01T00:00:00.000Z' })
    expect(after(early).state.lastActivityAt).toBe(START)
    expect(after(entry(user), early).state.lastActivityAt).toBe(LATER)
  })

  it('lets nothing follow the end, and an end is no activity', () => {
    const head = after(event(user, { type: 'help_requested', note: '' }), takenOver(eve), ended)
    expect(head.state).toMatchObject({
      status: 'ended',
      endedAt: LATER,
      assistedBy: null,
      help: null,
      adminAssisted: true,
    })
    expect(after(ended).state.lastActivityAt).toBe(START)
    for (const next of [entry(user), entry(ai), ended, takenOver(eve)]) {
      expect(codeOf(() => placeEntry(head, next))).toBe('SESSION_ENDED')
    }
  })

  it('refuses an entry that expects another end of the log', () => {
    const head = after(entry(user))
    expect(codeOf(() => placeEntry(head, { ...entry(user), expectedSeq: 0 }))).toBe('CONFLICT')
    expect(placeEntry(head, { ...entry(user), expectedSeq: 1 }).message.seq).toBe(2)
  })
})

describe('a takeover', () => {
  it('keeps the model silent until it ends, and asks it nothing', () => {
    const head = after(takenOver(eve))
    expect(head.state.assistedBy).toEqual({ ...eve, since: LATER })
    expect(codeOf(() => placeEntry(head, entry(ai)))).toBe('CONFLICT')
    expect(placeEntry(head, { ...entry(user), replyId: 'r1' }).question).toBeNull()
    const back = after(takenOver(eve), event(admin(eve), { type: 'takeover_ended', by: eve }))
    expect(back.state.assistedBy).toBeNull()
    expect(back.state.adminAssisted).toBe(true)
    expect(placeEntry(back, { ...entry(user), replyId: 'r1' }).question).not.toBeNull()
  })

  it('belongs to one operator at a time', () => {
    const head = after(takenOver(eve))
    expect(codeOf(() => placeEntry(head, takenOver(bob)))).toBe('CONFLICT')
    expect(
      codeOf(() => placeEntry(head, event(admin(bob), { type: 'takeover_ended', by: bob }))),
    ).toBe('CONFLICT')
    expect(codeOf(() => placeEntry(head, entry(admin(bob))))).toBe('FORBIDDEN')
    expect(codeOf(() => placeEntry(empty, entry(admin(bob))))).toBe('FORBIDDEN')
    expect(placeEntry(head, entry(admin(eve))).message.seq).toBe(2)
    expect(codeOf(() => placeEntry(head, takenOver(eve)))).toBe('CONFLICT')
  })

  it('passes to another operator only from the one who has it', () => {
    const passed = (by: typeof eve, from: string) =>
      event(admin(by), { type: 'takeover_started', by, from })
    const head = after(takenOver(eve), passed(bob, 'eve'))
    expect(head.state.assistedBy).toEqual({ ...bob, since: LATER })
    expect(codeOf(() => placeEntry(head, passed(eve, 'eve')))).toBe('CONFLICT')
    expect(codeOf(() => placeEntry(empty, passed(eve, 'bob')))).toBe('CONFLICT')
    expect(codeOf(() => placeEntry(head, entry(admin(eve))))).toBe('FORBIDDEN')
    expect(() => placeEntry(head, takenOver(eve))).toThrow('Bob has this chat.')
  })

  it('asks the model at its end about the last words that nobody has answered', () => {
    const back = { ...event(admin(eve), { type: 'takeover_ended', by: eve }), replyId: 'r9' }
    const reply = (status: Message['status'], replyTo = 'm1') => entry(ai, { replyTo, status })
    const asks = (...entries: NewEntry[]) => placeEntry(after(...entries), back).question?.replyId
    // Words that crossed the hand-back, and a question that the takeover ended.
    expect(asks(takenOver(eve), entry(user))).toBe('r9')
    expect(asks({ ...entry(user), replyId: 'r1' }, takenOver(eve))).toBe('r9')
    expect(asks(entry(user), reply('stopped'), takenOver(eve))).toBe('r9')
    expect(asks(entry(user), reply('failed'), takenOver(eve))).toBe('r9')
    expect(asks(takenOver(eve), entry(user), entry(admin(eve)), entry(user))).toBe('r9')
    // An answer to an older question answers nothing else.
    expect(asks(entry(user), reply('complete', 'm0'), takenOver(eve))).toBe('r9')
    // Answered by a person, by the model, and never asked.
    expect(asks(takenOver(eve), entry(user), entry(admin(eve)))).toBeUndefined()
    expect(asks(entry(user), reply('complete'), takenOver(eve))).toBeUndefined()
    expect(asks(takenOver(eve))).toBeUndefined()
    expect(asks(event(user, { type: 'help_requested', note: '' }), takenOver(eve))).toBeUndefined()
  })

  it('asks again at its next end, unless what the last one asked has its reply', () => {
    const id = 'back'
    const ends = event(admin(eve), { type: 'takeover_ended', by: eve })
    const back = { message: { ...ends.message, id }, replyId: 'r1' }
    const before = [takenOver(eve), entry(user), back]
    expect(placeEntry(after(...before, takenOver(eve)), back).question).not.toBeNull()
    const answered = after(...before, entry(ai, { replyTo: id }), takenOver(eve))
    expect(placeEntry(answered, back).question).toBeNull()
    expect(answered.state).toMatchObject({ unanswered: 0 })
  })

  it('is awaited from the request on, and from the first message that no person has answered', () => {
    const at = (minute: number) => `2026-01-01T10:0${minute}:00.000Z`
    const said = (minute: number, sender = user) => entry(sender, { createdAt: at(minute) })
    const asked = event(user, { type: 'help_requested', note: '' })
    const back = event(admin(eve), { type: 'takeover_ended', by: eve })
    const since = (...entries: NewEntry[]) => after(...entries).state.waitingSince
    expect(since(said(1), entry(ai))).toBeUndefined()
    expect(since(asked, said(1))).toBe(LATER)
    expect(since(asked, takenOver(eve))).toBe(LATER)
    expect(since(asked, takenOver(eve), said(2, admin(eve)))).toBeUndefined()
    expect(since(takenOver(eve), said(1), said(2))).toBe(at(1))
    expect(since(takenOver(eve), said(1), said(2, admin(eve)), said(3))).toBe(at(3))
    expect(since(takenOver(eve), said(1), back)).toBeUndefined()
    expect(since(asked, event(user, { type: 'help_resolved' }))).toBeUndefined()
    expect(since(asked, ended)).toBeUndefined()
  })

  it('is asked for once', () => {
    const asked = (note: string) => event(user, { type: 'help_requested', note })
    const head = after(asked('first'))
    expect(codeOf(() => placeEntry(head, asked('second')))).toBe('CONFLICT')
    expect(codeOf(() => placeEntry(after(takenOver(eve)), asked('third')))).toBe('CONFLICT')
  })

  it('answers a call for help, as an operator also may without it', () => {
    const asked = event(user, { type: 'help_requested', note: '' })
    expect(after(asked, takenOver(eve)).state.help).toBeNull()
    expect(after(asked, event(admin(eve), { type: 'help_resolved' })).state.help).toBeNull()
  })
})

describe('any log', () => {
  const entries = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(entry(user), entry(ai)) },
      fc.constantFrom(
        entry(admin(eve)),
        entry(admin(bob)),
        takenOver(eve),
        takenOver(bob),
        event(admin(eve), { type: 'takeover_ended', by: eve }),
        event(user, { type: 'help_requested', note: '' }),
        ended,
      ),
    ),
    { maxLength: 60 },
  )

  it('is dense, counts what is in it, and has no word of the model under a takeover', () => {
    fc.assert(
      fc.property(entries, (offered) => {
        const log: Message[] = []
        let head = empty
        for (const next of offered) {
          const before = head
          const code = codeOf(() => {
            const { message, state } = placeEntry(before, next)
            log.push(message)
            head = { seq: message.seq, state }
          })
          expect(['nothing thrown', 'CONFLICT', 'SESSION_ENDED', 'FORBIDDEN']).toContain(code)
          if (code !== 'nothing thrown') expect(head).toBe(before)
        }
        expect(log.map(({ seq }) => seq)).toEqual(log.map((_, at) => at + 1))
        expect(head.state.messageCount).toBe(log.filter(({ kind }) => kind !== 'event').length)
        expect(hasModelUnderTakeover(log)).toBe(false)
        const endAt = log.findIndex((message) => message.event?.type === 'session_ended')
        expect([-1, log.length - 1]).toContain(endAt)
      }),
    )
  })
})

function hasModelUnderTakeover(log: Message[]): boolean {
  let assisted = false
  return log.some((message) => {
    if (message.event?.type === 'takeover_started') assisted = true
    if (message.event?.type === 'takeover_ended') assisted = false
    return assisted && message.sender.type === 'ai'
  })
}

const origin = { id: 's1', userId: 'u1', userName: 'Ada', startedAt: START }

describe('toSession', () => {
  it('gives a new session the form of the wire', () => {
    const session = toSession(origin, { seq: 0, state: initialState('m1', START) })
    expect(sessionSchema.parse(session)).toEqual(session)
    expect(session).toMatchObject({
      id: 's1',
      userName: 'Ada',
      status: 'active',
      modelId: 'm1',
      lastSeq: 0,
      lastActivityAt: START,
      endedAt: null,
      responseTimeMs: { avg: 0, max: 0 },
      shared: false,
    })
  })

  it('averages response times over the replies that had one', () => {
    const state = {
      ...initialState('m1', START),
      responses: { count: 3, totalMs: 1000, maxMs: 700 },
    }
    const session = toSession(origin, { seq: 9, state })
    expect(session.responseTimeMs).toEqual({ avg: 333, max: 700 })
    expect(session.lastSeq).toBe(9)
  })
})
