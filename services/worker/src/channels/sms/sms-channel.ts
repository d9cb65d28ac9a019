import type { AlertChannel } from '@chatbox/core'
import { z } from 'zod'
import { createHttpChannel, judgeStatus, type Verdict } from '../http/http-channel.ts'
import type { HttpAnswer } from '../http/post.ts'
import { createToSaid } from '../said.ts'
import { toSmsText } from './sms-text.ts'

export interface SmsOptions {
  /** The base address of Twilio or of what speaks its protocol. */
  endpoint: URL
  accountSid: string
  authToken: string
  /** A number, the name of a sender, or the id of a messaging service, which begins with MG. */
  from: string
  to: string
  allowPrivate: boolean
  timeoutMs?: number
}

/**
 * Creates a channel on Twilio's Messages resource (2010-04-01). It knows no key against repetitions:
 * an answer that is lost on its way means a second message with the same text.
 */
export function createSmsChannel(options: SmsOptions): AlertChannel {
  const { endpoint, accountSid, authToken, from, to } = options
  const path = `2010-04-01/Accounts/${encodeURIComponent(accountSid)}/Messages.json`
  const url = new URL(path, endpoint.href.replace(/\/*$/, '/'))
  const credentials = Buffer.from(`${accountSid}:${authToken}`).toString('base64')
  const sender = /^MG[0-9a-f]{32}$/i.test(from) ? 'MessagingServiceSid' : 'From'
  return createHttpChannel({
    ...options,
    kind: 'sms',
    recipient: to,
    toSaid: createToSaid([authToken, credentials]),
    judge,
    readWords,
    toPost: (notice) => ({
      url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${credentials}`,
      },
      body: new URLSearchParams({
        To: to,
        [sender]: from,
        Body: toSmsText(notice).body,
      }).toString(),
    }),
  })
}

const ANSWER = z.object({
  code: z.number().nullish(),
  message: z.string().nullish(),
  status: z.union([z.string(), z.number()]).nullish(),
})

function parse(text: string): z.infer<typeof ANSWER> | undefined {
  try {
    return ANSWER.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

function readWords(text: string): string {
  const { code, message, status } = parse(text) ?? {}
  const words = code ? [`error ${code}`, message ?? ''] : [`${status ?? text}`]
  return words.join(' ')
}

/**
 * Codes of a number that takes no messages: invalid, a landline, in a region that is not allowed, not
 * verified on a trial, or unsubscribed by STOP (twilio.com/docs/api/errors).
 */
const RECIPIENT: ReadonlySet<number> = new Set([
  21211, 21214, 21217, 21408, 21421, 21608, 21610, 21612, 21614,
])

function judge(answer: HttpAnswer): Verdict {
  const { code } = parse(answer.text) ?? {}
  if (answer.status < 500 && code && RECIPIENT.has(code)) {
    return { outcome: 'failed', fault: 'recipient' }
  }
  const verdict = judgeStatus(answer)
  // The account is part of the address.
  return answer.status === 404 ? { ...verdict, fault: 'credentials' } : verdict
}
