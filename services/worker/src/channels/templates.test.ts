import { describe, expect, it } from '@jest/globals'
import type { Notice } from '@chatbox/core'
import fc from 'fast-check'
import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5'
import { toChatPayload } from './http/chat-channel.ts'
import { toTeamsPayload } from './http/teams-channel.ts'
import { toMailText } from './mail/mail-text.ts'
import { MAX_SUBJECT_LENGTH, toLine, toParagraph } from './notice.ts'

const BENIGN = {
  id: 'a',
  kind: 'help.requested',
  sessionId: 'session',
  subject: 'subject',
  text: 'text',
  time: new Date(0),
  link: 'https://chat.site.org/console',
} satisfies Notice

const RUNS = { numRuns: 10_000 }
const FIELDS = ['subject', 'sessionId', 'text'] as const

/** Pieces that mean something to a parser, a program or a chat, in any order. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['<', '>', '&', '"', "'", '`', '=', '/', '\\', ' ', '\n', '-->', '<!--', ']]>', '&#0;'],
        ...[
          '<script>',
          '</h1>',
          '</title>',
          '<img src=x onerror=alert(1)>',
          '&amp;',
          '&lt',
          '&#60;',
        ],
        ...['" onclick="x', "' style='x", '<svg/onload=x>', '<![CDATA[', '${x}', '{{x}}', '%0d%0a'],
        ...['@everyone', '@here', '<!channel>', '<@U1>', '<#C1>', '<!subteam^S1>', '<at>all</at>'],
        ...['[x](http://e.org)', '![](http://e.org/p)', '<http://e.org|x>', 'https://e.org', '*b*'],
        ...['\u202e', '\u2066', '\ufeff', '\u2028', '\u0085', '\r\n', '\0', '\x1b[31m', '\ud800'],
      ),
      fc.string({ unit: 'binary', maxLength: 4 }),
    ),
    { maxLength: 8 },
  )
  .map((pieces) => pieces.join(''))
  .filter((text) => text.length <= MAX_SUBJECT_LENGTH)

/** What the words of a field become, said without the product's own code. */
function toExpected(field: (typeof FIELDS)[number], text: string): string {
  const seen = text
    .toWellFormed()
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, '')
  if (field !== 'text') return seen.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
  const lines = seen.replace(/\r\n/g, '\n').replace(/[\r\u0085\u2028\u2029]/g, '\n')
  return lines.replace(/[^\P{Cc}\n]+/gu, ' ')
}

interface Seen {
  tags: string[]
  attributes: string[]
  texts: string[]
}

function look(html: string): Seen {
  const seen: Seen = { tags: [], attributes: [], texts: [] }
  visit(parse(html), seen)
  return seen
}

function visit(node: Tree.Node, seen: Seen): void {
  if ('value' in node) seen.texts.push(node.value)
  else seen.tags.push(node.nodeName)
  if ('attrs' in node)
    seen.attributes.push(...node.attrs.map(({ name, value }) => `${name}=${value}`))
  if ('childNodes' in node) for (const child of node.childNodes) visit(child, seen)
}

describe('a mail', () => {
  const benign = look(toMailText(BENIGN).html)

  it.each(FIELDS)(
    'shows any %s as it is, and nothing else changes',
    (field) => {
      fc.assert(
        fc.property(hostile, (words) => {
          const { html, text } = toMailText({ ...BENIGN, [field]: words })
          const seen = look(html)
          const expected = toExpected(field, words)
          const benignTexts = benign.texts.map((one) => (one === BENIGN[field] ? expected : one))
          expect(seen.tags.filter((tag) => tag !== '#text')).toEqual(
            benign.tags.filter((tag) => tag !== '#text'),
          )
          expect(seen.attributes).toEqual(benign.attributes)
          expect(seen.texts).toEqual(benignTexts.filter((one) => one !== ''))
          expect(text).toContain(field === 'text' ? expected.replace(/^/gm, '> ') : expected)
        }),
        RUNS,
      )
    },
    60_000,
  )

  it('links to nothing but a page, and to the page that is given', () => {
    const links = fc.oneof(
      hostile,
      hostile.map((words) => `javascript:${words}`),
      hostile.map((words) => `https://chat.site.org/console?session=${words}`),
      hostile.map((words) => `https://chat.site.org/${words}`),
    )
    fc.assert(
      fc.property(links, (link) => {
        const { tags, attributes } = look(toMailText({ ...BENIGN, link }).html)
        const hrefs = attributes.filter((one) => one.startsWith('href='))
        const url = URL.parse(link)
        const isPage = url !== null && ['http:', 'https:'].includes(url.protocol)
        expect(hrefs).toEqual(isPage ? [`href=${url.href}`] : [])
        const others = benign.attributes.filter((one) => !one.startsWith('href='))
        expect(attributes.filter((one) => !one.startsWith('href='))).toEqual(others)
        expect(tags.filter((tag) => tag === 'a')).toHaveLength(hrefs.length)
      }),
      RUNS,
    )
  }, 60_000)

  it('has a subject of one line', () => {
    fc.assert(
      fc.property(hostile, (subject) => {
        expect(toMailText({ ...BENIGN, subject }).subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
      }),
      RUNS,
    )
  })
})

/** Undoes what makes words inert. */
function toShown(text: string): string {
  const plain = { '&lt;': '<', '&gt;': '>', '&amp;': '&' }
  return text.replace(/&(?:lt|gt|amp);/g, (one) => plain[one as keyof typeof plain])
}

describe('a post to a chat', () => {
  it.each(['subject', 'text'] as const)(
    'shows any %s, and it names nobody',
    (field) => {
      fc.assert(
        fc.property(hostile, (words) => {
          const { text, blocks } = toChatPayload({ ...BENIGN, [field]: words })
          const link = `\n${BENIGN.link}`
          expect(text.endsWith(link)).toBe(true)
          const said = text.slice(0, -link.length)
          expect(said).not.toMatch(/[<>]|&(?!lt;|gt;|amp;)|@(?!\u200b)|:\/\/|\]\(/)
          expect(JSON.stringify(blocks)).not.toMatch(
            /@(?!\u200b)|<(?!https:\/\/chat\.site\.org\/console\|Open>)/,
          )
          const shown = toShown(said).replaceAll('\u200b', '')
          const expected = toExpected(field, words).replaceAll('\u200b', '')
          expect(shown.split('\n').join('')).toContain(expected.split('\n').join(''))
        }),
        RUNS,
      )
    },
    60_000,
  )

  it('is what Slack takes', () => {
    expect(toChatPayload(BENIGN)).toEqual({
      text: 'subject\ntext\nhttps://chat.site.org/console',
      blocks: [
        { type: 'section', text: { type: 'plain_text', text: 'subject', emoji: false } },
        { type: 'section', text: { type: 'plain_text', text: 'text', emoji: false } },
        { type: 'section', text: { type: 'mrkdwn', text: '<https://chat.site.org/console|Open>' } },
      ],
    })
  })

  it('stays within the length of a block and cuts no escape', () => {
    const { blocks } = toChatPayload({ ...BENIGN, text: '&😀'.repeat(2000) })
    const [, { text }] = blocks as [unknown, { text: { text: string } }]
    expect(text.text.length).toBeLessThanOrEqual(3000)
    expect(text.text.isWellFormed()).toBe(true)
    expect(text.text).toMatch(/(?:&amp;|😀)…$/u)
    const [empty] = toChatPayload({ ...BENIGN, subject: '' }).blocks as [{ text: { text: string } }]
    expect(empty.text.text).toBe('-')
  })
})

interface Card {
  attachments: { content: { body: { inlines: { text: string }[] }[]; actions: object[] } }[]
}

describe('a card for Teams', () => {
  it.each(['subject', 'text'] as const)(
    'shows any %s, and it names nobody',
    (field) => {
      const at = field === 'subject' ? 0 : 1
      fc.assert(
        fc.property(hostile, (words) => {
          const card = toTeamsPayload({ ...BENIGN, [field]: words }) as Card
          const body = card.attachments[0]?.content.body ?? []
          expect(body).toHaveLength(3)
          const said = body[at]?.inlines[0]?.text ?? ''
          expect(said).not.toMatch(/[@<](?!\u200b)/)
          const expected = toExpected(field, words).replaceAll('\u200b', '')
          expect(said.replaceAll('\u200b', '')).toBe(expected)
        }),
        RUNS,
      )
    },
    60_000,
  )

  it('is what a workflow takes', () => {
    const run = (text: string, look: object) => ({
      type: 'RichTextBlock',
      inlines: [{ type: 'TextRun', text, ...look }],
    })
    expect(toTeamsPayload(BENIGN)).toEqual({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          contentUrl: null,
          content: {
            $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
            type: 'AdaptiveCard',
            version: '1.4',
            body: [
              run('subject', { weight: 'bolder' }),
              run('text', {}),
              run('1970-01-01T00:00:00.000Z', { isSubtle: true }),
            ],
            actions: [{ type: 'Action.OpenUrl', title: 'Open', url: BENIGN.link }],
          },
        },
      ],
    })
  })
})

it.each([
  ['a\r\nBcc: x', 'a Bcc: x'],
  ['\u202egpj.exe', 'gpj.exe'],
  ['x'.repeat(300), `${'x'.repeat(199)}…`],
  ['😀'.repeat(201), `${'😀'.repeat(199)}…`],
  ['\ud800', '\ufffd'],
])('the line of %j is %j', (text, line) => {
  expect(toLine(text)).toBe(line)
})

it('cuts the words of a visitor', () => {
  expect(toParagraph(`a\r\nb\tc\u2028${'😀'.repeat(3000)}`)).toBe(`a\nb c\n${'😀'.repeat(1993)}…`)
})
