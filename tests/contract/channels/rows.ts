import type { ChannelKind, Delivery, DeliveryFault } from '@chatbox/core'
import type { MailBehaviour } from './mail-server.ts'
import type { WebBehaviour } from './web-server.ts'

/** Where the channel leads, if not to the server. */
type Elsewhere = 'unknown host' | 'closed port'

export interface ServerUnderTest {
  mail?: MailBehaviour
  web?: WebBehaviour
  certificate?: 'good' | 'otherName' | 'unknown'
  elsewhere?: Elsewhere
  /** What the channel believes, for mail. */
  password?: string
}

interface Expected {
  outcome: Delivery['outcome']
  fault?: DeliveryFault
  retryAfterMs?: number
  /** A part of what is told. */
  said?: string
}

/** To test another behaviour of a server, add one row. */
export type Row = readonly [what: string, server: ServerUnderTest, expected: Expected]

const PASSWORD = 'correct horse battery'

const MAIL: Row[] = [
  ['takes it', {}, { outcome: 'delivered', said: '250' }],
  ['takes it with TLS from the start', { mail: { tls: 'implicit' } }, { outcome: 'delivered' }],
  ['signs in', { mail: { password: PASSWORD }, password: PASSWORD }, { outcome: 'delivered' }],
  ['is about to close', { mail: { connect: [421, 'later'] } }, retry('busy', 'later')],
  ['has no room', { mail: { connect: [554, 'no service'] } }, failed('refused', 'no service')],
  ['lists in grey', { mail: { rcpt: [450, 'greylisted'] } }, retry('busy', 'greylisted')],
  ['has a full mailbox', { mail: { rcpt: [452, 'full'] } }, retry('busy')],
  ['refuses the recipient', { mail: { rcpt: [550, 'no user'] } }, failed('recipient', 'no user')],
  ['cannot store it', { mail: { data: [451, 'disk'] } }, retry('busy')],
  ['refuses the message', { mail: { data: [554, 'spam'] } }, failed('refused', 'spam')],
  ['is silent after DATA', { mail: { isSilentAfterData: true } }, retry('timeout')],
  ['is silent', { mail: { isSilent: true } }, retry('timeout')],
  ['has no TLS', { mail: { tls: 'off' } }, failed('tls')],
  ['has an unknown certificate', { certificate: 'unknown' }, retry('certificate')],
  ['has another name', { certificate: 'otherName' }, retry('certificate')],
  [
    'has an unknown certificate from the start',
    { mail: { tls: 'implicit' }, certificate: 'unknown' },
    retry('certificate'),
  ],
  [
    'refuses the password',
    { mail: { password: PASSWORD }, password: 'wrong-pass-word' },
    failed('credentials', 'is not known by [hidden]'),
  ],
  ['offers no sign-in', { password: PASSWORD }, failed('credentials')],
  ['is not there', { elsewhere: 'closed port' }, retry('connection')],
  ['has an unknown name', { elsewhere: 'unknown host' }, retry('host')],
]

/** What every server over HTTP may do. */
const WEB: Row[] = [
  ['takes it', {}, { outcome: 'delivered', said: 'status 204' }],
  ['says nothing more than 200', { web: { status: 200 } }, { outcome: 'delivered' }],
  [
    'never ends its answer',
    { web: { status: 202, body: 'x', does: 'half' } },
    { outcome: 'delivered' },
  ],
  ['takes it over TLS', { certificate: 'good' }, { outcome: 'delivered' }],
  ['asks for patience', waits('7'), { ...retry('busy'), retryAfterMs: 7000 }],
  ['asks for a day and more', waits('999999'), { ...retry('busy'), retryAfterMs: 86_400_000 }],
  ['asks for nonsense', waits('soon'), retry('busy')],
  ['breaks', { web: { status: 500, body: 'oops' } }, retry('busy', 'status 500 oops')],
  ['is behind a broken proxy', { web: { status: 502 } }, retry('busy')],
  ['is silent', { web: { does: 'silent' } }, retry('timeout')],
  ['hangs up', { web: { does: 'hangUp' } }, retry('connection')],
  ['has an unknown certificate', { certificate: 'unknown' }, retry('certificate')],
  ['has another name', { certificate: 'otherName' }, retry('certificate')],
  ['is not there', { elsewhere: 'closed port' }, retry('connection')],
  ['has an unknown name', { elsewhere: 'unknown host' }, retry('host')],
  ['is gone', { web: { status: 410 } }, failed('gone')],
]

/** What a webhook is asked again after, and what the others give up at. */
const REFUSALS: readonly (readonly [string, number, DeliveryFault])[] = [
  ['leads elsewhere', 302, 'refused'],
  ['says that nothing changed', 304, 'refused'],
  ['refuses the form', 400, 'refused'],
  ['does not know us', 401, 'credentials'],
  ['does not let us', 403, 'credentials'],
  ['does not know the path', 404, 'recipient'],
]

const SMS: Row[] = [
  ...WEB,
  ...toRefusals(failed).filter(([, { web }]) => web?.status !== 404),
  ['does not know the account', { web: { status: 404 } }, failed('credentials')],
  ['refuses the token', twilio(401, 20003, 'Authenticate'), failed('credentials', 'error 20003')],
  ['refuses the number', twilio(400, 21211, 'Invalid To'), failed('recipient', 'Invalid To')],
  ['was told STOP', twilio(400, 21610, 'unsubscribed'), failed('recipient')],
  ['cannot reach a landline', twilio(400, 21614, 'not mobile'), failed('recipient')],
  ['refuses the sender', twilio(400, 21659, 'bad From'), failed('refused', 'error 21659')],
  ['has too much to do', twilio(429, 20429, 'Too Many Requests'), retry('busy')],
  [
    'queues it',
    { web: { status: 201, body: '{"sid":"SM1","status":"queued","code":null}' } },
    { outcome: 'delivered', said: 'status 201 queued' },
  ],
]

export const TABLE: Readonly<Record<ChannelKind, readonly Row[]>> = {
  mail: MAIL,
  sms: SMS,
  webhook: [...WEB, ...toRefusals(retry)],
  chat: [
    ...WEB,
    ...toRefusals(failed),
    ['refuses the form', { web: { status: 400, body: 'invalid_payload' } }, failed('refused')],
  ],
  teams: [...WEB, ...toRefusals(failed)],
}

function toRefusals(toExpected: (fault: DeliveryFault) => Expected): Row[] {
  return REFUSALS.map(([what, status, fault]) => {
    const headers = { location: 'http://127.0.0.1:1/' }
    return [what, { web: { status, headers } }, toExpected(fault)]
  })
}

function retry(fault: DeliveryFault, said?: string): Expected {
  return { outcome: 'retry', fault, ...(said === undefined ? {} : { said }) }
}

function failed(fault: DeliveryFault, said?: string): Expected {
  return { ...retry(fault, said), outcome: 'failed' }
}

function waits(header: string): ServerUnderTest {
  return { web: { status: 429, headers: { 'retry-after': header } } }
}

function twilio(status: number, code: number, message: string): ServerUnderTest {
  return { web: { status, body: JSON.stringify({ code, message, status }) } }
}
