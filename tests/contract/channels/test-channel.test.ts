import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createClock } from '@chatbox/kit'
import type { ChannelKind } from '@chatbox/core'
import { testChannel } from '../../../services/worker/src/channels/test-channel.ts'
import { openChannel, SECRETS, type Target } from './channels.support.ts'
import { startMailServer } from './mail-server.ts'
import { openTrust, type Trust } from './trust.ts'
import { startWebServer } from './web-server.ts'

let trust: Trust
let server: { port: number; close(): Promise<void> } | undefined

beforeAll(async () => {
  trust = await openTrust()
})
afterEach(async () => {
  await server?.close()
  server = undefined
})
afterAll(() => trust.close())

async function test(kind: ChannelKind, target: Partial<Target> = {}) {
  const port = server?.port ?? 25
  const channel = openChannel(kind, { host: 'localhost', port, isTls: true, ...target })
  return await testChannel(channel, createClock(), { signal: AbortSignal.timeout(20_000) })
}

describe('the test of a channel', () => {
  it('tells the answer, the time, the address and TLS of a mail server', async () => {
    server = await startMailServer({}, trust.good)
    const { durationMs, ...told } = await test('mail')
    expect(durationMs).toBeGreaterThan(0)
    expect(told).toEqual({
      ...{ kind: 'mail', recipient: 'ops@site.org', outcome: 'delivered' },
      meaning: 'The server accepted the message.',
      said: expect.stringMatching(/^250 /),
      address: `127.0.0.1 port ${server.port}`,
      tls: 'TLSv1.3',
    })
  })

  it.each(['sms', 'webhook', 'chat', 'teams'] as const)('tells those of %s', async (kind) => {
    server = await startWebServer({ status: 202, body: 'ok' }, trust.good)
    await expect(test(kind)).resolves.toMatchObject({
      ...{ kind, outcome: 'delivered' },
      said: expect.stringMatching(/^status 202 /),
      address: `127.0.0.1 port ${server.port}`,
      tls: 'TLSv1.3',
    })
  })

  it('names a wrong password and hides it, in every form', async () => {
    const password = 'pässword: 4711?'
    server = await startMailServer({ password: 'another' }, trust.good)
    const told = await test('mail', { password })
    expect(told).toMatchObject({
      fault: 'credentials',
      meaning: 'The server refused the user or the password.',
      said: expect.stringContaining('[hidden]'),
      tls: 'TLSv1.3',
    })
    expect(JSON.stringify(told)).not.toContain('4711')
  })

  it('names a wrong host', async () => {
    const told = await test('mail', { host: 'mail.nowhere.invalid' })
    expect(told).toMatchObject({ fault: 'host', meaning: 'The name of the server is not known.' })
    expect(told).not.toHaveProperty('address')
  })

  it('names a bad certificate', async () => {
    server = await startMailServer({}, trust.unknown)
    await expect(test('mail')).resolves.toMatchObject({
      fault: 'certificate',
      said: expect.stringContaining('self-signed'),
    })
  })

  it('names a refused recipient', async () => {
    server = await startMailServer({ rcpt: [550, '5.1.1 no such user here'] }, trust.good)
    await expect(test('mail')).resolves.toMatchObject({
      fault: 'recipient',
      said: expect.stringContaining('550 5.1.1 no such user here'),
    })
  })

  it('names a wrong token and hides what a server repeats of it', async () => {
    const basic = Buffer.from(`AC00:${SECRETS.smsAuthToken}`).toString('base64')
    server = await startWebServer({ status: 401, body: `no ${SECRETS.smsAuthToken} ${basic}` })
    const told = await test('sms', { isTls: false })
    expect(told).toMatchObject({ fault: 'credentials', said: 'status 401 no [hidden] [hidden]' })
  })

  it.each(['webhook', 'chat', 'teams'] as const)(
    'hides the address of %s, which is a secret',
    async (kind) => {
      server = await startWebServer({ status: 404, body: `nothing at ${SECRETS.path}` })
      const told = await test(kind, { isTls: false })
      expect(told).toMatchObject({ said: 'status 404 nothing at [hidden]' })
      expect(told.recipient).toBe(`localhost:${server.port}`)
    },
  )
})
