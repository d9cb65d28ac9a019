import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { createClock, readSettings } from '@chatbox/kit'
import { createChannels } from './create-channels.ts'
import { toConsoleLink } from './notice.ts'

const ALL = {
  SMTP_HOST: 'mail.site.org',
  EMAIL_FROM: 'Chat <chat@site.org>',
  ADMIN_EMAILS: 'ops@site.org, boss@site.org',
  SMS_ACCOUNT_SID: 'AC00',
  SMS_AUTH_TOKEN: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  SMS_FROM: '+4915112345678',
  ADMIN_PHONES: '+4915112345679',
  ALERT_WEBHOOK_URL: 'https://hooks.site.org/alerts',
  ALERT_WEBHOOK_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwT1a0QbYm7dE=',
  ALERT_CHAT_URL: 'https://chat.team.org/hooks/abc',
  ALERT_TEAMS_URL: 'https://flows.team.org/workflows/abc?sig=def',
}

it('gives every recipient a channel, and shows no address that is a secret', () => {
  const channels = createChannels(readSettings(ALL).alerts, createClock())
  expect(channels.map(({ kind, recipient }) => [kind, recipient])).toEqual([
    ['mail', 'ops@site.org'],
    ['mail', 'boss@site.org'],
    ['sms', '+4915112345679'],
    ['webhook', 'hooks.site.org'],
    ['chat', 'chat.team.org'],
    ['teams', 'flows.team.org'],
  ])
  expect(createChannels(readSettings({}).alerts, createClock())).toEqual([])
})

it.each([
  ['false', false],
  ['true', true],
])('sends the words of a visitor where ALERT_VISITOR_TEXT=%s: %s', async (visitorText, sends) => {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      bodies.push(decodeURIComponent(body.replaceAll('+', ' ')))
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { SMTP_HOST: _host, ADMIN_EMAILS: _mails, ...env } = ALL
  const { alerts } = readSettings({
    ...env,
    ...{ SMS_ENDPOINT: base, ALERT_WEBHOOK_URL: base },
    ...{ ALERT_CHAT_URL: base, ALERT_TEAMS_URL: base, ALERT_PRIVATE_ADDRESSES: 'true' },
    ALERT_VISITOR_TEXT: visitorText,
  })
  const notice = { id: 'a', kind: 'test', subject: 'Help', time: new Date(), text: 'canary words' }
  for (const channel of createChannels(alerts, createClock())) {
    await channel.send(notice, AbortSignal.timeout(10_000))
  }
  server.close()
  expect(bodies.map((body) => body.includes('canary words'))).toEqual(Array(4).fill(sends))
})

it('links to the console with an id that stays one value', () => {
  const server = { publicUrl: 'https://chat.site.org', pathPrefix: '/chatbox' }
  expect(toConsoleLink(server)).toBe('https://chat.site.org/chatbox/console')
  expect(toConsoleLink(server, 'a_b-c')).toBe('https://chat.site.org/chatbox/console?session=a_b-c')
  const link = new URL(toConsoleLink({ ...server, pathPrefix: '' }, 'a&token=x#"<'))
  expect(link.pathname).toBe('/console')
  expect([...link.searchParams]).toEqual([['session', 'a&token=x#"<']])
})
