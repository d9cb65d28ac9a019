import { describe, expect, it } from '@jest/globals'
import type { ClientData, ReplyStart } from '@chatbox/contract'
import {
  createEvent,
  createMessage,
  createReply,
  createSession,
} from './fake-server.test.support.ts'
import {
  applyEvent,
  createSessionLog,
  isBehind,
  type LogEvent,
  type SessionLog,
} from './session-log.ts'

type Page = ClientData<'session:open'>

/** A page of the entries from `first` to `last`, at the end of the log. */
function toPage(first: number, last: number, reply: Page['reply'] = null): Page {
  const messages = Array.from({ length: last - first + 1 }, (_, i) => createMessage(first + i))
  return { session: { ...createSession(), lastSeq: last }, messages, hasMore: first > 1, reply }
}
const applyAll = (log: SessionLog, ...events: LogEvent[]): SessionLog =>
  events.reduce(applyEvent, log)
const start = (replyId: string, more: Partial<ReplyStart> = {}): LogEvent => ({
  type: 'start',
  start: { sessionId: 's', replyId, replyTo: 'm1', modelId: 'm', attempt: 1, ...more },
})
const seqs = (log: SessionLog): number[] => log.messages.map(({ seq }) => seq)
const drafts = (log: SessionLog): string[] => log.drafts.map(({ replyId }) => replyId)

describe('what a log knows of the end', () => {
  it('is never lowered by an older head', () => {
    const log = applyAll(createSessionLog(toPage(1, 1)), { type: 'head', lastSeq: 3 })
    expect(isBehind(applyEvent(log, { type: 'head', lastSeq: 1 }))).toBe(true)
  })

  it('takes of two summaries of one entry the later one', () => {
    const log = createSessionLog(toPage(1, 1))
    const at = (name: string, lastActivityAt: string): LogEvent => ({
      type: 'session',
      session: { ...log.session, name, lastActivityAt },
    })
    const later = applyAll(log, at('later', '2026-01-02T00:00:00.000Z'))
    expect(later.session.name).toBe('later')
    expect(applyAll(later, at('older', '2026-01-01T00:00:00.000Z')).session.name).toBe('later')
    expect(applyAll(later, at('same', '2026-01-02T00:00:00.000Z')).session.name).toBe('same')
  })
})

describe('a page', () => {
  it('that touches what is known is put behind it, and another takes its place', () => {
    const log = createSessionLog(toPage(3, 5))
    expect(seqs(applyAll(log, { type: 'opened', page: toPage(6, 7) }))).toEqual([3, 4, 5, 6, 7])
    expect(seqs(applyAll(log, { type: 'opened', page: toPage(7, 8) }))).toEqual([7, 8])
  })

  it('from before the newest entry knows nothing of the reply to that', () => {
    const log = applyAll(
      createSessionLog(toPage(1, 1)),
      { type: 'message', message: createMessage(2) },
      start('r', { replyTo: 'm2' }),
    )
    const late = { type: 'opened', page: toPage(2, 1), afterSeq: 1, drafts: log.drafts } as const
    expect(drafts(applyAll(log, late))).toEqual(['r'])
  })

  it('of older entries may overlap with what is known', () => {
    const log = createSessionLog(toPage(4, 5))
    const { messages } = toPage(2, 4)
    const grown = applyAll(log, { type: 'older', page: { messages, hasMore: true } })
    expect(seqs(grown)).toEqual([2, 3, 4, 5])
    expect(grown.hasOlder).toBe(true)
  })
})

describe('a draft', () => {
  it('ends with its own message and with no other', () => {
    const log = applyAll(createSessionLog(toPage(1, 1)), start('r'))
    const asked = applyAll(log, { type: 'message', message: createMessage(2) })
    expect(drafts(asked)).toEqual(['r'])
    const reply = createMessage(3, { id: 'r', replyTo: 'm1', sender: 'ai' })
    const answered = applyAll(asked, { type: 'message', message: reply })
    expect(drafts(answered)).toEqual([])
    expect(answered.awaiting).toBe('m2')
    expect(drafts(applyAll(answered, { type: 'expected', reply: createReply() }))).toEqual([])
  })

  it('is one of at most four, and each is its own', () => {
    const log = applyAll(
      createSessionLog(toPage(1, 1)),
      ...['a', 'b', 'c', 'd', 'e'].map((id) => start(id)),
      start('c', { attempt: 2 }),
    )
    expect(log.drafts.map(({ replyId, attempt }) => [replyId, attempt])).toEqual([
      ['b', 1],
      ['c', 2],
      ['d', 1],
      ['e', 1],
    ])
  })

  it('does not begin in a session that has ended, and does again after a takeover', () => {
    const by = { id: 'o', name: 'Olga' }
    const log = createSessionLog(toPage(1, 1))
    const ended = createEvent(2, { type: 'session_ended', reason: 'user' })
    expect(drafts(applyAll(log, { type: 'message', message: ended }, start('r')))).toEqual([])
    const back = applyAll(
      log,
      { type: 'message', message: createEvent(2, { type: 'takeover_started', by }) },
      { type: 'message', message: createEvent(3, { type: 'takeover_ended', by }) },
      start('r'),
    )
    expect(drafts(back)).toEqual(['r'])
  })
})
