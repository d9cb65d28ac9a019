import { describe, expect, it } from '@jest/globals'
import type { SessionLog, UnsentMessage } from '@chatbox/client'
import type { Message } from '@chatbox/contract'
import { findSeen, toEventText, toFaultText, toLogRows, toRetriesKey, toTailRows } from './rows.ts'

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

  describe('with several replies to one question', () => {
    const reply = (seq: number, status: Message['status'], content: string): Message =>
      message(seq, { sender: ai, replyTo: 'm1', status, content })
    const draft = (text: string): SessionLog['drafts'][number] => ({
      ...{ replyId: 'd', replyTo: 'm1', modelId: 'ai', attempt: 1, index: 1, text },
      ...{ ahead: [], asks: 0 },
    })
    const shown = (log: SessionLog): unknown[] =>
      toLogRows(log, NOW).flatMap((row) => (row.kind === 'reply' ? [[row.key, row.canRetry]] : []))

    it('show the last one, which alone can be tried again', () => {
      const stopped = reply(3, 'stopped', 'half')
      const log = [message(1), reply(2, 'failed', ''), stopped, reply(4, 'incomplete', 'cut')]
      expect(shown(logOf(log))).toEqual([['m4', true]])
      expect(shown(logOf([message(1), stopped, reply(4, 'complete', 'whole')]))).toEqual([
        ['m4', false],
      ])
    })

    it('keep the text of an earlier one where the last try brought none', () => {
      const log = [message(1), reply(2, 'stopped', 'half'), reply(3, 'failed', '')]
      expect(shown(logOf(log))).toEqual([
        ['m2', false],
        ['m3', true],
      ])
    })

    it('give way to the next one with its first word, and are not tried twice at once', () => {
      const log = [message(1), reply(2, 'stopped', 'half')]
      expect(shown(logOf(log, { drafts: [draft('')] }))).toEqual([['m2', false]])
      expect(shown(logOf(log, { drafts: [draft('New')] }))).toEqual([])
      expect(shown(logOf(log, { drafts: [{ ...draft('New'), replyTo: 'm9' }] }))).toEqual([
        ['m2', true],
      ])
    })

    it('leave every other entry where it is', () => {
      const log = [message(1), message(2), reply(3, 'stopped', 'half'), message(4)]
      const rows = toLogRows(logOf(log, { drafts: [draft('New')] }), NOW).slice(1)
      expect(rows.map(({ key }) => key)).toEqual(['m1', 'm2', 'm4'])
    })

    it('change with the drafts only when one begins', () => {
      const key = (...drafts: SessionLog['drafts']): string =>
        toRetriesKey(logOf([message(1)], { drafts }))
      expect(key(draft('a'))).toBe(key(draft('a b')))
      expect(new Set([key(), key(draft('')), key(draft('a'))]).size).toBe(3)
    })
  })

  describe('with a reply whose next end is certain', () => {
    const fault = (retryable: boolean): Partial<Message> => ({
      ...{ sender: ai, replyTo: 'm1', status: 'failed', content: '', modelId: 'small' },
      error: { code: 'LLM_TOO_LONG', message: 'Too long.', retryable },
    })
    const canRetry = (more: Partial<Message>, modelId = 'small'): unknown => {
      const log = logOf([message(1), message(2, more)], { session: { ...session, modelId } })
      return toLogRows(log, NOW).at(-1)
    }

    it('offer no second try', () => {
      expect(canRetry(fault(false))).toMatchObject({ canRetry: false })
      expect(canRetry({ ...fault(false), status: 'incomplete', content: 'x' })).toMatchObject({
        canRetry: false,
      })
      expect(canRetry(fault(true))).toMatchObject({ canRetry: true })
      expect(canRetry({ ...fault(false), status: 'stopped', error: undefined })).toMatchObject({
        canRetry: true,
      })
    })

    it('offer one with another model', () => {
      expect(canRetry(fault(false), 'large')).toMatchObject({ canRetry: true })
    })
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

describe('the words about a reply that is not whole', () => {
  it.each([
    ['failed', 'LLM_UNAVAILABLE', 'The model could not answer.', 'The model could not answer.'],
    ['failed', 'LLM_TIMEOUT', 'The model took too long.', 'The model took too long.'],
    ['failed', 'LLM_TRUNCATED', 'The answer was cut off.', 'There is no answer to this.'],
    ['failed', 'LLM_TOO_LONG', 'Too long. Write less.', 'Too long. Write less.'],
    ['failed', 'INTERNAL', '', 'There is no answer to this.'],
    ['failed', undefined, '', 'There is no answer to this.'],
    ['incomplete', 'LLM_TRUNCATED', 'The answer was cut off.', 'This answer was cut off.'],
    ['incomplete', 'LLM_UNAVAILABLE', 'The model could not answer.', 'This answer was cut off.'],
    [
      'incomplete',
      'LLM_TIMEOUT',
      'The model took too long.',
      'This answer was cut off. The model took too long.',
    ],
    ['incomplete', undefined, '', 'This answer was cut off.'],
  ] as const)('say each thing once: %s, %s', (...[status, code, text, expected]) => {
    const error = code && { code, message: text, retryable: true }
    expect(toFaultText({ status, error })).toBe(expected)
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
