import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { NOTICE, openChannel } from './channels.support.ts'
import { startMailServer, type MailBehaviour, type MailServer } from './mail-server.ts'
import { openTrust, type Trust } from './trust.ts'

let trust: Trust
let server: MailServer

beforeAll(async () => {
  trust = await openTrust()
})
afterEach(() => server.close())
afterAll(() => trust.close())

async function open(behaviour: MailBehaviour = {}, mailTls?: 'off') {
  server = await startMailServer(behaviour, trust.good)
  return openChannel('mail', {
    ...{ host: 'localhost', port: server.port, isTls: false },
    ...(mailTls ? { mailTls } : {}),
    ...(behaviour.isSilentAfterData ? { patienceMs: 300 } : {}),
  })
}

const signal = () => AbortSignal.timeout(20_000)

it('carries what keeps machines from answering, and both forms of the words', async () => {
  const channel = await open()
  await channel.send(NOTICE, signal())
  const [mail] = server.mails
  expect(mail?.from?.value).toEqual([{ name: 'Chat', address: 'chat@site.org' }])
  expect(mail?.subject).toBe(NOTICE.subject)
  expect(mail?.headers.get('auto-submitted')).toBe('auto-generated')
  expect(mail?.headers.get('x-auto-response-suppress')).toBe('All')
  expect(mail?.headerLines.find(({ key }) => key === 'list-id')?.line).toBe(
    'List-ID: <alerts.chatbox.site.org>',
  )
  expect(mail?.text).toContain(NOTICE.link)
  expect(mail?.html).toContain(`href="${NOTICE.link}"`)
})

it('has the same id again where the answer to the first attempt was lost', async () => {
  const lost = await open({ isSilentAfterData: true })
  await expect(lost.send(NOTICE, signal())).resolves.toMatchObject({ outcome: 'retry' })
  await server.close()
  const channel = await open()
  await channel.send(NOTICE, signal())
  await channel.send(NOTICE, signal())
  await channel.send({ ...NOTICE, id: 'alert-2' }, signal())
  const ids = server.mails.map(({ messageId }) => messageId)
  expect(ids).toEqual(['<alert-1@site.org>', '<alert-1@site.org>', '<alert-2@site.org>'])
})

it('is one thread for a session, and another for the next one', async () => {
  const channel = await open()
  const { sessionId: _none, ...ofNoSession } = NOTICE
  await channel.send(NOTICE, signal())
  await channel.send({ ...NOTICE, id: 'alert-2' }, signal())
  await channel.send({ ...NOTICE, id: 'alert-3', sessionId: 'session-2' }, signal())
  await channel.send({ ...ofNoSession, id: 'alert-4' }, signal())
  const threads = server.mails.map(({ references }) => references)
  expect(threads).toEqual([
    '<session-session-1@site.org>',
    '<session-session-1@site.org>',
    '<session-session-2@site.org>',
    undefined,
  ])
})

it('goes in the clear only if that is asked for', async () => {
  const channel = await open({ tls: 'off' }, 'off')
  const { outcome, route } = await channel.send(NOTICE, signal())
  expect([outcome, route.tls]).toEqual(['delivered', undefined])
})

it('keeps every subject on its line and adds no header, whatever the words are', async () => {
  const channel = await open()
  await channel.send(NOTICE, signal())
  const expected = server.mails[0]?.headerLines.map(({ key }) => key)
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.constantFrom(
      'x\r\nBcc: all@site.org',
      'x\nBcc: all@site.org\n\n<script>',
      '=?utf-8?q?x=0d=0aBcc:_all@site.org?=',
      'x\u2028Bcc: a@b.c',
      `${'ä'.repeat(190)}\r\nBcc: a@b.c`,
      '',
    ),
  )
  await fc.assert(
    fc.asyncProperty(hostile, hostile, hostile, async (subject, sessionId, id) => {
      server.mails.length = 0
      const delivery = await channel.send({ ...NOTICE, subject, sessionId, id }, signal())
      expect(delivery.outcome).toBe('delivered')
      const [mail] = server.mails
      const ours = new Set([...(expected ?? []), 'subject'])
      expect(mail?.headerLines.map(({ key }) => key).filter((key) => !ours.has(key))).toEqual([])
      expect(mail?.bcc).toBeUndefined()
      expect(mail?.subject ?? '').not.toMatch(/[\r\n]/)
      expect(mail?.to).toMatchObject({ text: 'ops@site.org' })
    }),
    { numRuns: 60 },
  )
})

it('ends with its caller', async () => {
  const channel = await open({ isSilent: true })
  const stop = new AbortController()
  const sending = channel.send(NOTICE, stop.signal)
  stop.abort(new Error('no longer ours'))
  await expect(sending).rejects.toThrow('no longer ours')
  await expect(channel.send(NOTICE, stop.signal)).rejects.toThrow('no longer ours')
})
