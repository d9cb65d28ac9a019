import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Message } from '@chatbox/contract'
import { buildPrompt, estimateTokens, type Prompt, type PromptMessage } from '@chatbox/core'
import { toChatMessages, type SystemPlace } from './chat-messages.ts'

const user = (content: string): PromptMessage => ({ role: 'user', content })
const assistant = (content: string): PromptMessage => ({ role: 'assistant', content })

describe('the messages of a chat API', () => {
  it('join neighbours of one role: an answer that failed, and two messages of a person', () => {
    const messages = [
      user('My order is 7.'),
      user('Where is it?'),
      assistant('A person will come.'),
      assistant('I am Eve.'),
      assistant('It is on its way.'),
      user('When?'),
    ]
    expect(toChatMessages({ system: '', messages })).toEqual([
      user('My order is 7.\n\nWhere is it?'),
      assistant('A person will come.\n\nI am Eve.\n\nIt is on its way.'),
      user('When?'),
    ])
  })

  it('leave out what has no visible character, also between two of one role', () => {
    const messages = [user('a'), assistant(' \n'), user('b')]
    expect(toChatMessages({ system: '', messages })).toEqual([user('a\n\nb')])
  })

  it.each(['system', 'developer'] as const)('begin with the role %s', (role) => {
    expect(toChatMessages({ system: 'Be kind.', messages: [user('a')] }, role)).toEqual([
      { role, content: 'Be kind.' },
      user('a'),
    ])
  })

  it('begin with the system prompt in the first question where it has no role', () => {
    const messages = [user('a'), assistant('b'), user('c')]
    expect(toChatMessages({ system: 'Be kind.', messages }, 'question')).toEqual([
      user('Be kind.\n\na'),
      assistant('b'),
      user('c'),
    ])
    expect(toChatMessages({ system: '', messages }, 'question')).toEqual(messages)
  })

  it('leave the request as it is', () => {
    const messages = Object.freeze([user('a'), user('b')].map((message) => Object.freeze(message)))
    toChatMessages({ system: 'x', messages }, 'question')
    expect(messages).toEqual([user('a'), user('b')])
  })
})

const AT = '2026-01-02T03:04:05.000Z'
const content = fc.oneof(
  fc.constantFrom('', ' ', '\n\n', '\u3000', '\u200b', 'a\n\nb'),
  fc.string({ unit: 'grapheme', maxLength: 30 }),
  fc.string({ unit: 'grapheme', minLength: 100, maxLength: 400 }),
)
const entry = fc.record({
  type: fc.constantFrom('user', 'user', 'ai', 'ai', 'admin', 'system', 'robot'),
  kind: fc.constantFrom('text', 'text', 'text', 'text', 'event', 'file', 'unknown'),
  status: fc.constantFrom('complete', 'stopped', 'incomplete', 'failed'),
  /** How many entries before it the question of a reply is. */
  back: fc.integer({ min: 1, max: 6 }),
  content,
})
type Entry = typeof entry extends fc.Arbitrary<infer E> ? E : never

/** Any log: bursts, replies of every ending and several to one question, takeovers, later kinds. */
function toLog(entries: readonly Entry[]): Message[] {
  return entries.map(({ type, kind, back, ...fields }, at) => {
    const isEvent = kind === 'event'
    const message = {
      ...fields,
      id: `m${at}`,
      sessionId: 's',
      seq: at + 1,
      kind,
      sender: { type, id: type, name: '' },
      attachments: [],
      createdAt: AT,
      ...(type === 'ai' ? { replyTo: `m${at - back}` } : {}),
      ...(isEvent ? { event: { type: 'help_resolved' } } : {}),
    }
    return message as unknown as Message
  })
}

const PLACES: SystemPlace[] = ['system', 'developer', 'question']
const ROOM_FOR_REPLY = 100

const scene = fc.record({
  entries: fc.array(entry, { maxLength: 40 }),
  asked: fc.nat(),
  system: fc.constantFrom('', 'Be kind.', 'Be kind.\n\nAnd brief.'),
  contextTokens: fc.integer({ min: 600, max: 2500 }),
  history: fc.option(fc.record({ messages: fc.nat({ max: 20 }), tokens: fc.nat({ max: 900 }) }), {
    nil: undefined,
  }),
})
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

/** The prompt for a question somewhere in the log. */
function toPrompt({ entries, asked, system, contextTokens, history }: Scene): Prompt {
  const log = toLog(entries)
  const at = asked % (log.length + 1)
  const asking: Entry = { type: 'user', kind: 'text', status: 'complete', back: 1, content: 'Why?' }
  const questions = toLog([asking]).map((made) => ({ ...made, id: 'question', seq: at + 0.5 }))
  const whole = [...log.slice(0, at), ...questions, ...log.slice(at)]
  const question = whole.find(({ id }) => id === 'question')
  if (!question) throw new Error('no question')
  return buildPrompt(whole, question, {
    systemPrompt: system,
    contextTokens,
    maxReplyTokens: ROOM_FOR_REPLY,
    history,
  })
}

/** Checks the system prompt, and returns the messages after it. */
function checkBeginning(
  sent: ReturnType<typeof toChatMessages>,
  system: string,
  place: SystemPlace,
) {
  const [first, ...others] = sent
  if (system !== '' && place !== 'question') {
    expect(first).toEqual({ role: place, content: system })
    return others
  }
  expect(first?.content.startsWith(system)).toBe(true)
  return sent
}

describe('what is sent, whatever the log', () => {
  it.each(PLACES)(
    'begins with the system prompt (%s), alternates, ends with the question, fits',
    (place) => {
      fc.assert(
        fc.property(scene, (made) => {
          const prompt = toPrompt(made)
          const sent = toChatMessages(prompt, place)
          const turns = checkBeginning(sent, made.system, place)
          turns.forEach(({ role }, at) => expect(role).toBe(at % 2 ? 'assistant' : 'user'))
          expect(turns.at(-1)?.role).toBe('user')
          expect(turns.at(-1)?.content).toMatch(/(^|\n\n)Why\?$/)
          expect(sent.filter(({ content: text }) => !/\S/u.test(text))).toEqual([])
          const tokens = sent.reduce((sum, { content: text }) => sum + estimateTokens(text) + 5, 0)
          expect(tokens).toBeLessThanOrEqual(made.contextTokens - ROOM_FOR_REPLY)
        }),
        { numRuns: 300 },
      )
    },
  )

  it('has no more of the history than it may have', () => {
    fc.assert(
      fc.property(scene, (made) => {
        const { history, messages } = toPrompt(made)
        const most = made.history ?? { messages: Infinity, tokens: Infinity }
        expect(history.messages).toBe(messages.length - 1)
        expect(history.messages).toBeLessThanOrEqual(most.messages)
        expect(history.tokens).toBeLessThanOrEqual(most.tokens)
      }),
    )
  })
})
