import { createClock } from '@chatbox/kit'
import type { AlertChannel, ChannelKind, Notice } from '@chatbox/core'
import { createChatChannel } from '../../../services/worker/src/channels/http/chat-channel.ts'
import { createTeamsChannel } from '../../../services/worker/src/channels/http/teams-channel.ts'
import { createWebhookChannel } from '../../../services/worker/src/channels/http/webhook-channel.ts'
import { createMailChannel } from '../../../services/worker/src/channels/mail/mail-channel.ts'
import { createSmsChannel } from '../../../services/worker/src/channels/sms/sms-channel.ts'

export const NOTICE: Notice = {
  id: 'alert-1',
  kind: 'help.requested',
  sessionId: 'session-1',
  subject: 'A visitor asks for a person',
  time: new Date('2026-03-29T01:30:00Z'),
  link: 'https://chat.site.org/chatbox/console?session=session-1',
}

/** Secrets that no delivery may tell. */
export const SECRETS = {
  smsAuthToken: '0a1b2c3d4e5f60718293a4b5c6d7e8f9',
  webhook: `whsec_${Buffer.alloc(32, 'k3y!').toString('base64')}`,
  path: '/services/T0AA/B0BB/s3cr3tpath',
}

export interface Target {
  host: string
  port: number
  isTls: boolean
  /** For mail. */
  password?: string
  mailTls?: 'starttls' | 'implicit' | 'off'
  /** How long a silent server is waited for. */
  patienceMs?: number
}

/** Opens a channel of a kind to a server. */
export function openChannel(kind: ChannelKind, target: Target): AlertChannel {
  const { host, port, isTls, password, mailTls = 'starttls', patienceMs = 5000 } = target
  const url = new URL(`${isTls ? 'https' : 'http'}://${host}:${port}${SECRETS.path}`)
  const shared = { url, allowPrivate: true, timeoutMs: patienceMs }
  if (kind === 'chat') return createChatChannel(shared)
  if (kind === 'teams') return createTeamsChannel(shared)
  if (kind === 'webhook') {
    return createWebhookChannel({ ...shared, secrets: [SECRETS.webhook], clock: createClock() })
  }
  if (kind === 'sms') {
    return createSmsChannel({
      ...shared,
      endpoint: new URL(url.origin),
      ...{
        accountSid: 'AC00',
        authToken: SECRETS.smsAuthToken,
        from: 'Chat',
        to: '+4915112345678',
      },
    })
  }
  const user = password === undefined ? undefined : 'alerts'
  return createMailChannel({
    server: { host, port, tls: mailTls, user, pass: password },
    from: { name: 'Chat', address: 'chat@site.org' },
    to: 'ops@site.org',
    timeouts: { connectMs: patienceMs, silenceMs: patienceMs, totalMs: 20_000 },
  })
}
