import { createHmac } from 'node:crypto'
import type { AlertChannel, Clock, Notice } from '@chatbox/core'
import { toHeaderId, toLine, toParagraph, toSafeLink } from '../notice.ts'
import { createToSaid } from '../said.ts'
import { createHttpChannel, judgeStatus, type Verdict } from './http-channel.ts'
import type { HttpAnswer } from './post.ts'

export interface WebhookOptions {
  url: URL
  /** The current secret, and during a rotation the one before. Each `whsec_` and base64. */
  secrets: readonly string[]
  clock: Clock
  allowPrivate: boolean
  timeoutMs?: number
}

/**
 * Creates a channel by the Standard Webhooks specification 1.0. A repetition has the same
 * `webhook-id` and a new timestamp. Any refusal may be a fault of the endpoint's last release, so
 * everything but 2xx and 410 is worth another attempt.
 */
export function createWebhookChannel(options: WebhookOptions): AlertChannel {
  const { url, secrets, clock } = options
  return createHttpChannel({
    ...options,
    kind: 'webhook',
    recipient: url.host,
    toSaid: createToSaid([...secrets, url.href, url.pathname + url.search]),
    judge,
    toPost(notice) {
      const body = JSON.stringify(toPayload(notice))
      const head = { id: toHeaderId(notice.id), timestamp: Math.floor(+clock.now() / 1000) }
      const signed = `${head.id}.${head.timestamp}.${body}`
      return {
        url,
        body,
        headers: {
          'content-type': 'application/json',
          'webhook-id': head.id,
          'webhook-timestamp': `${head.timestamp}`,
          'webhook-signature': secrets.map((secret) => sign(secret, signed)).join(' '),
        },
      }
    },
  })
}

function judge(answer: HttpAnswer): Verdict {
  const { fault } = judgeStatus(answer)
  return { outcome: fault === 'gone' ? 'failed' : 'retry', fault }
}

function sign(secret: string, text: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}

/** Thin: the receiver asks for what it may see. */
function toPayload(notice: Notice): object {
  const { id, kind, sessionId, subject, time, text } = notice
  const link = toSafeLink(notice)
  return {
    type: kind,
    timestamp: time.toISOString(),
    data: {
      id,
      ...(sessionId === undefined ? {} : { sessionId }),
      subject: toLine(subject),
      ...(link === undefined ? {} : { link }),
      ...(text === undefined ? {} : { text: toParagraph(text) }),
    },
  }
}
