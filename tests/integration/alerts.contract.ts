import { once } from 'node:events'
import { afterEach, expect, it } from '@jest/globals'
import { simpleParser, type ParsedMail } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import type { ServiceProcess } from '../environment/servers/processes.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { until } from './worker-rig.ts'

/** Processes of one shape, with settings of their own. */
export interface AlertHouse {
  gateway: ServiceProcess
  stop(): Promise<unknown>
}

/** A visitor's tap on "Talk to a person", and the mail that it makes, in one shape. */
export function describeAlerts(
  open: (settings: Record<string, string>) => Promise<AlertHouse>,
): void {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function startMail() {
    const mails: ParsedMail[] = []
    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      onData(stream, _session, callback) {
        void simpleParser(stream).then((mail) => {
          mails.push(mail)
          callback()
        })
      },
    })
    server.listen(0, '127.0.0.1')
    await once(server.server, 'listening')
    closing.push(() => new Promise<void>((resolve) => server.close(() => resolve())))
    return { mails, port: (server.server.address() as { port: number }).port }
  }

  async function connect(house: AlertHouse, options: object): Promise<ChatUser> {
    const user = await openChatUser({ url: house.gateway.url, ...options })
    closing.push(() => user.close())
    return user
  }

  async function start(more: Record<string, string> = {}) {
    const mail = await startMail()
    const house = await open({
      SMTP_HOST: '127.0.0.1',
      SMTP_PORT: String(mail.port),
      SMTP_TLS: 'off',
      EMAIL_FROM: 'Chat <chat@site.org>',
      ADMIN_EMAILS: 'ops@site.org',
      PUBLIC_URL: 'http://localhost:3000',
      ALERT_DELAY: '0s',
      ...more,
    })
    closing.push(() => house.stop())
    return { ...mail, house }
  }

  it('brings a request for a person to a mail server', async () => {
    const { house, mails } = await start()
    const ann = await connect(house, { name: 'Ann' })
    const { session } = await ann.open()
    await ann.emit('help:request', { sessionId: session.id, note: 'canary of the visitor' })
    await until('the mail', () => mails.length > 0, 10_000)
    expect(mails[0]).toMatchObject({ subject: 'A visitor asks for a person' })
    expect(mails[0]?.text).toContain(`/console?session=${session.id}`)
    expect(JSON.stringify(mails)).not.toContain('canary')
  }, 60_000)

  it('tells nobody of a chat that somebody has taken over in time', async () => {
    const { house, mails } = await start({ ALERT_DELAY: '3s', ALERT_ESCALATE_AFTER: '3s' })
    const ann = await connect(house, { name: 'Ann' })
    const olga = await connect(house, { userId: 'olga', name: 'Olga', roles: ['chat_admin'] })
    const { session } = await ann.open()
    await ann.emit('help:request', { sessionId: session.id })
    await olga.emit('takeover:start', { sessionId: session.id })
    const ben = await connect(house, { userId: 'ben', name: 'Ben' })
    const other = await ben.open()
    await ben.emit('help:request', { sessionId: other.session.id })
    await until('the other mail', () => mails.length > 0, 15_000)
    expect(mails).toHaveLength(1)
    expect(mails[0]?.text).toContain(other.session.id)
  }, 60_000)
}
