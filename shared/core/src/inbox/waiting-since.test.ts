import { expect, it } from '@jest/globals'
import type { Message, SessionEvent } from '@chatbox/contract'
import fc from 'fast-check'
import { AppError } from '../errors.ts'
import { initialState, placeEntry, type LogHead, type NewEntry } from '../session.ts'

const START = Date.UTC(2026, 0, 1)
const OLGA = { id: 'olga', name: 'Olga' }
const PAUL = { id: 'paul', name: 'Paul' }

type Act = { sender: 'user' | 'ai' | 'olga' | 'paul' } | { event: SessionEvent }

const act: fc.Arbitrary<Act> = fc.oneof(
  fc.record({ sender: fc.constantFrom('user', 'user', 'ai', 'olga', 'paul') }),
  fc.record({
    event: fc.constantFrom<SessionEvent>(
      { type: 'help_requested', note: '' },
      { type: 'help_resolved' },
      { type: 'takeover_started', by: OLGA },
      { type: 'takeover_started', by: PAUL },
      { type: 'takeover_started', by: PAUL, from: 'olga' },
      { type: 'takeover_ended', by: OLGA },
      { type: 'takeover_ended', by: PAUL },
      { type: 'model_selected', modelId: 'other' },
      { type: 'session_ended', reason: 'user' },
    ),
  }),
)

function toNewEntry(one: Act, index: number): NewEntry {
  const common = {
    id: `m${index}`,
    sessionId: 's',
    attachments: [],
    status: 'complete' as const,
    createdAt: new Date(START + index * 1000).toISOString(),
  }
  if ('event' in one) {
    const sender = { type: 'system' as const, id: 'system', name: '' }
    return { message: { ...common, kind: 'event', sender, content: '', event: one.event } }
  }
  const isPerson = one.sender === 'olga' || one.sender === 'paul'
  const sender = { type: isPerson ? 'admin' : one.sender, id: one.sender, name: '' } as const
  return { message: { ...common, kind: 'text', sender: sender as Message['sender'], content: 'x' } }
}

/** Told from the log alone: the first wait after the last thing that ended one. */
function waitOf(log: readonly Message[]): string | undefined {
  const ending = new Set(['help_resolved', 'takeover_ended', 'session_ended'])
  const last = log.findLastIndex(
    ({ sender, event }) => sender.type === 'admin' || (event && ending.has(event.type)),
  )
  const isPersonWanted = (index: number): boolean => {
    const before = log.slice(0, index).flatMap(({ event }) => (event ? [event.type] : []))
    const asked = Math.max(
      before.lastIndexOf('help_requested'),
      before.lastIndexOf('takeover_started'),
    )
    const over = Math.max(...[...ending].map((type) => before.lastIndexOf(type as 'help_resolved')))
    return asked > over
  }
  return log.find(
    ({ sender, event }, index) =>
      index > last &&
      (event?.type === 'help_requested' ||
        (sender.type === 'user' && !event && isPersonWanted(index))),
  )?.createdAt
}

it('a user waits since the first word that no person has answered', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      let head: LogHead = { seq: 0, state: initialState('demo', new Date(START).toISOString()) }
      const log: Message[] = []
      for (const [index, one] of acts.entries()) {
        try {
          const { message, state } = placeEntry(head, toNewEntry(one, index))
          head = { seq: message.seq, state }
          log.push(message)
        } catch (error) {
          if (!(error instanceof AppError)) throw error
        }
        expect(head.state.waitingSince).toBe(waitOf(log))
        expect(head.state.userTexts ?? 0).toBe(
          log.filter(({ sender, event }) => sender.type === 'user' && !event).length,
        )
      }
    }),
    { numRuns: 1000 },
  )
})
