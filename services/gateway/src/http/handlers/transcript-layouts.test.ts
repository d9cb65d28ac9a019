import { describe, expect, it } from '@jest/globals'
import type { Message, Session, SessionEvent } from '@chatbox/contract'
import fc from 'fast-check'
import { html, LAYOUTS } from './transcript-layouts.ts'

function toMessage(over: Partial<Message> = {}): Message {
  return {
    id: 'm1',
    sessionId: 's',
    seq: 1,
    kind: 'text',
    sender: { type: 'user', id: 'visitor:1', name: 'Ada' },
    content: 'Hello',
    attachments: [],
    status: 'complete',
    createdAt: '2026-01-01T10:00:00.000Z',
    ...over,
  }
}

const toEvent = (event: SessionEvent): Message =>
  toMessage({ kind: 'event', content: '', event, sender: { type: 'system', id: 's', name: '' } })

const SESSION = { name: 'شحن <b>', startedAt: '2026-01-01T09:59:00.000Z' } as Session

describe('html', () => {
  it('leaves the template as it is and makes text of the values', () => {
    expect(html`<p title="${'"x"'}">${'<i>&amp;</i>'} ${7}</p>`).toBe(
      '<p title="&quot;x&quot;">&lt;i&gt;&amp;amp;&lt;/i&gt; 7</p>',
    )
  })

  it('lets no value out of its place', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html`${text}`).not.toMatch(/[<>"']/u)
      }),
    )
  })
})

describe('a transcript as a page', () => {
  /** The tags that are still open at the end; throws where one is closed that is not the last. */
  function openTags(page: string): string[] {
    const open: string[] = []
    for (const [, close, name = '', self] of page.matchAll(/<(\/?)([a-z]\w*)[^>]*?(\/?)>/gu)) {
      if (close && open.pop() !== name) throw new Error(`</${name}> closes nothing`)
      if (!close && !self) open.push(name)
    }
    return open
  }

  it.each(['end', 'brokenOff'] as const)(
    'is well-formed with its %s, and says what it is',
    (end) => {
      const { begin, entry, between } = LAYOUTS.html
      const entries = [toMessage({ content: '</pre><h2>x' }), toEvent({ type: 'help_resolved' })]
      const page = begin(SESSION) + entries.map(entry).join(between) + LAYOUTS.html[end]
      expect(page).toMatch(/^<!doctype html>\s*<html lang="en" dir="ltr">/u)
      expect(openTags(page)).toEqual([])
      expect(page.match(/<\/(?:body|html)>/gu)).toHaveLength(2)
      expect(page.indexOf('<section>')).toBeLessThan(page.indexOf('</body>'))
      expect(page).toContain('<pre dir="auto" lang="">&lt;/pre&gt;&lt;h2&gt;x</pre>')
      expect(page.includes('breaks off here')).toBe(end === 'brokenOff')
    },
  )

  it('shows what no page may hold', () => {
    expect(LAYOUTS.html.entry(toMessage({ content: 'a\u0000b\u001bc' }))).toContain(
      'a\ufffdb\ufffdc',
    )
  })
})

describe('a transcript as text', () => {
  const { entry } = LAYOUTS.txt
  const FORGED = '[2026-01-01T10:00:01.000Z] Eve (Operator)'

  it('puts who, what they are and when before each message, and indents its lines', () => {
    const content = `  first\n\nsecond\nEnd of the transcript.`
    expect(entry(toMessage({ content }))).toBe(
      '[2026-01-01T10:00:00.000Z] Ada (User)\n' +
        '      first\n\n    second\n    End of the transcript.\n',
    )
  })

  it.each(['\n', '\r', '\r\n', '\u2028', '\u2029', '\u0085', '\v', '\f', '\u001b[2K\r', '\b\b\n'])(
    'lets no line of a message be taken for an entry: %j',
    (separator) => {
      const [head, ...lines] = entry(toMessage({ content: `a${separator}${FORGED}` })).split(
        /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u,
      )
      expect(head).toBe('[2026-01-01T10:00:00.000Z] Ada (User)')
      expect(lines.filter((line) => line.includes(FORGED))).toEqual([
        expect.stringMatching(/^ {4}/u),
      ])
      expect(lines.join('')).not.toMatch(/\p{Cc}/u)
    },
  )

  it.each([
    [`Ada\n${FORGED}`, `Ada ${FORGED} (User)`],
    ['Ada\u2028\u0085Bo', 'Ada Bo (User)'],
    ['Operator', 'Operator (User)'],
    ['\u202eadA', 'adA (User)'],
    [' \n ', 'User'],
  ])('lets no name be taken for more than a name: %j', (name, heading) => {
    const [head] = entry(toMessage({ sender: { type: 'user', id: 'u', name } })).split('\n')
    expect(head).toBe(`[2026-01-01T10:00:00.000Z] ${heading}`)
  })

  it('keeps any text whole but for what moves a cursor', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (parts) => {
        const lines = parts.map((part) => part.replace(/[\s\p{Cc}]+/gu, ' '))
        const [, ...shown] = entry(toMessage({ content: lines.join('\n') })).split('\n')
        expect(shown.slice(0, -1)).toEqual(lines.map((line) => `    ${line}`.trimEnd()))
      }),
    )
  })
})

describe.each(['txt', 'html'] as const)('a transcript as %s', (format) => {
  const { entry } = LAYOUTS[format]
  const ai = { type: 'ai', id: 'demo', name: 'Shop bot' } as const

  it('says which model has answered', () => {
    expect(entry(toMessage({ sender: ai, modelId: 'gpt' }))).toContain(
      'Shop bot (Assistant, model gpt)',
    )
    expect(entry(toMessage({ sender: { ...ai, name: '' } }))).toContain('Assistant, model demo')
  })

  it('says what became of an answer that is not whole', () => {
    const error = { code: 'LLM_TRUNCATED', message: 'It broke off.', retryable: true } as const
    expect(entry(toMessage({ sender: ai, status: 'incomplete', error }))).toContain(
      '(incomplete: It broke off.)',
    )
    expect(entry(toMessage({ sender: ai, status: 'stopped' }))).toContain('(stopped)')
  })

  it.each<[SessionEvent, string]>([
    [{ type: 'session_ended', reason: 'user' }, 'The session ended: the user ended it.'],
    [{ type: 'session_ended', reason: 'operator' }, 'The session ended: an operator ended it.'],
    [{ type: 'session_ended', reason: 'idle' }, 'nothing happened in it for too long'],
    [{ type: 'session_ended', reason: 'replaced' }, 'began another one'],
    [{ type: 'session_ended', reason: 'unknown' }, 'the reason is not known'],
    [{ type: 'model_selected', modelId: 'gpt' }, 'the model gpt answers'],
    [{ type: 'help_requested', note: '' }, 'Help was asked for.'],
    [{ type: 'help_requested', note: 'a refund' }, 'Help was asked for: a refund'],
    [{ type: 'takeover_started', by: { id: 'o', name: 'Olga' } }, 'Olga took over'],
    [{ type: 'takeover_ended', by: { id: 'o', name: '' } }, 'An operator left it'],
  ])('says what happened: %j', (event, sentence) => {
    expect(entry(toEvent(event))).toContain(sentence)
  })

  it('keeps the place of what a later version wrote', () => {
    expect(entry(toMessage({ kind: 'unknown', content: '' }))).toContain('cannot be shown')
  })
})
