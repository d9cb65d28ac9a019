import { describe, expect, it } from '@jest/globals'
import type { SessionLog, UnsentMessage } from '@chatbox/client'
import type { Message } from '@chatbox/contract'
import { findSeen, toEventText, toLogRows, toTailRows } from './rows.ts'

const NOW = new Date('2026-03-02T12:00:00')
const session = { id: 's', status: 'active' } as SessionLog['session']

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    id: `m${seq}`,
    sessionId: 's',
    seq,
    kind: 'text',
    sender: { type: 'user', id: 'u', name: '' },
    content: 'text',
    attachments: [],
    status: 'complete',
    createdAt: NOW.toISOString(),
    ...more,
  }
}

function logOf(messages: Message[], more: Partial<SessionLog> = {}): SessionLog {
  const lastSeq = messages.at(-1)?.seq ?? 0
  const base = { hasOlder: false, headSeq: lastSeq, ahead: [], drafts: [], awaiting: '' }
  return { session, messages, lastSeq, ...base, ...more }
}

const ai = { type: 'ai' as const, id: 'ai', name: 'Model' }
const unsent = (more: Partial<UnsentMessage> = {}): UnsentMessage => ({
  clientMessageId: 'c',
  userId: 'u',
  tabId: 't',
  sessionId: 's',
  content: 'later',
  createdAt: NOW.toISOString(),
  failure: null,
  ...more,
})

describe('rows of a conversation', () => {
  it('begin each day with its name', () => {
    const yesterday = new Date('2026-03-01T12:00:00').toISOString()
    const rows = toLogRows(logOf([message(1, { createdAt: yesterday }), message(2)]), NOW)
    expect(rows.map((row) => (row.kind === 'day' ? row.text : row.kind))).toEqual([
      'Yesterday',
      'message',
      'Today',
      'message',
    ])
  })

  it('say of an entry that only a later version knows that it cannot be shown', () => {
    const kind = 'poll' as Message['kind']
    const event = { type: 'rated', stars: 5 } as unknown as Message['event'] & object
    const robot = { type: 'robot' as 'ai', id: 'r', name: '' }
    const entries = [message(1, { kind, content: '' }), message(2, { kind: 'event', event })]
    const rows = toLogRows(logOf([...entries, message(3, { sender: robot })]), NOW)
    expect(rows.slice(1).map((row) => row.kind)).toEqual(['event', 'event', 'reply'])
    for (const entry of entries) {
      expect(toEventText(entry, [])).toBe('This version of the chat cannot show this entry.')
    }
    const ended = { type: 'session_ended', reason: 'spam' } as unknown as Message['event'] & object
    expect(toEventText(message(4, { kind: 'event', event: ended }), [])).toBe(
      'This chat has ended.',
    )
  })

  it('let only the latest reply to a question be tried again, and leave out empty ones before it', () => {
    const reply = { sender: ai, replyTo: 'm1' }
    const rows = toLogRows(
      logOf([
        message(1),
        message(2, { ...reply, content: '', status: 'failed' }),
        message(3, { ...reply, content: 'half', status: 'stopped' }),
        message(4, { ...reply, content: 'cut', status: 'incomplete' }),
      ]),
      NOW,
    )
    expect(rows.flatMap((row) => (row.kind === 'reply' ? [[row.key, row.canRetry]] : []))).toEqual([
      ['m3', false],
      ['m4', true],
    ])
  })

  it('have a line in the place of what a later version wrote, and take it for no fault', () => {
    const raw = [
      { kind: 'poll', content: 'Which of these?', poll: {} },
      { kind: 'event', event: { type: 'file_shared' }, sender: ai },
      { sender: ai, replyTo: 'm1', status: 'checked', checkedBy: {} },
    ]
    const later = raw.map((more, index) => message(index + 1, more as Partial<Message>))
    const rows = toLogRows(logOf(later), NOW).filter(({ kind }) => kind !== 'day')
    expect(rows).toMatchObject([
      { kind: 'event' },
      { kind: 'event' },
      { kind: 'reply', canRetry: false },
    ])
  })

  it('let nothing be tried again in a session that has ended', () => {
    const failed = message(2, { sender: ai, replyTo: 'm1', status: 'failed', content: '' })
    const ended = { ...session, status: 'ended' as const }
    const rows = toLogRows(logOf([message(1), failed], { session: ended }), NOW)
    expect(rows.at(-1)).toMatchObject({ kind: 'reply', canRetry: false })
  })

  it('show a message once: as unsent, or from the log', () => {
    const log = logOf([message(1, { clientMessageId: 'c' })])
    expect(toTailRows(log, [unsent()])).toEqual([])
    expect(toTailRows(logOf([]), [unsent()])).toMatchObject([{ kind: 'unsent', key: 'c' }])
  })

  it('show unsent messages of another session only when they were refused', () => {
    const failure = { code: 'SESSION_ENDED' as const, message: 'Ended.' }
    const other = { sessionId: 'other' }
    expect(toTailRows(logOf([]), [unsent(other)])).toEqual([])
    expect(toTailRows(logOf([]), [unsent({ ...other, failure })])).toHaveLength(1)
  })

  it('show that an answer is awaited until its draft is there', () => {
    const awaiting = logOf([message(1)], { awaiting: 'm1' })
    expect(toTailRows(awaiting, []).map(({ kind }) => kind)).toEqual(['awaiting'])
  })
})

describe('the mark of a message that was seen', () => {
  const olga = { type: 'admin' as const, id: 'o', name: 'Olga' }
  const assisted = { ...session, assistedBy: { ...olga, since: NOW.toISOString() }, help: null }
  const help = { requestedAt: NOW.toISOString(), note: '' }
  const user = { id: 'u', name: '', roles: ['user' as const] }
  const seen = (log: SessionLog, readUpTo: Record<string, number>): string | undefined =>
    findSeen(log, { readUpTo, user })
  const twoQuestions = [message(1), message(2)]

  it('is at the latest one that a person has read', () => {
    const log = logOf(twoQuestions, { session: assisted })
    expect(seen(log, {})).toBeUndefined()
    expect(seen(log, { o: 1 })).toBe('m1')
    expect(seen(log, { o: 1, p: 2 })).toBe('m2')
  })

  it("is none where only the user's other page has read it", () => {
    expect(seen(logOf(twoQuestions, { session: assisted }), { u: 2 })).toBeUndefined()
  })

  it('gives way to an answer, and not to an event', () => {
    const event = { type: 'takeover_started' as const, by: olga }
    const joined = message(3, { kind: 'event', sender: olga, content: '', event })
    const answered = message(3, { sender: olga })
    expect(seen(logOf([...twoQuestions, joined], { session: assisted }), { o: 3 })).toBe('m2')
    expect(seen(logOf([...twoQuestions, answered], { session: assisted }), { o: 3 })).toBe(
      undefined,
    )
  })

  it('is shown to whoever asked for a person, and to nobody whom the model answers', () => {
    const waiting = { ...session, assistedBy: null, help }
    const alone = { ...session, assistedBy: null, help: null }
    expect(seen(logOf(twoQuestions, { session: waiting }), { o: 2 })).toBe('m2')
    expect(seen(logOf(twoQuestions, { session: alone }), { o: 2 })).toBeUndefined()
  })
})
