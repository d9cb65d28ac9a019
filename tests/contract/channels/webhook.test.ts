import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { createWebhookChannel } from '../../../services/worker/src/channels/http/webhook-channel.ts'
import { NOTICE } from './channels.support.ts'
import { startWebServer, type Posted, type WebServer } from './web-server.ts'

const NEW = `whsec_${randomBytes(32).toString('base64')}`
const OLD = `whsec_${randomBytes(24).toString('base64')}`

let server: WebServer
let now: Date

beforeEach(async () => {
  server = await startWebServer({})
  now = new Date()
})
afterEach(() => server.close())

function open(secrets: string[]) {
  return createWebhookChannel({
    url: new URL(`http://127.0.0.1:${server.port}/hook?of=site`),
    ...{ secrets, allowPrivate: true },
    clock: { now: () => now, newId: () => 'id', random: () => 0 },
  })
}

async function post(secrets: string[], notice = NOTICE): Promise<Posted> {
  await open(secrets).send(notice, AbortSignal.timeout(10_000))
  const posted = server.posts.at(-1)
  if (!posted) throw new Error('nothing was posted')
  return posted
}

function verify(secret: string, { body, headers }: Posted): unknown {
  return new Webhook(secret).verify(body, headers as Record<string, string>)
}

describe('a webhook', () => {
  it('is verified by the package of the specification', async () => {
    const posted = await post([NEW])
    expect(verify(NEW, posted)).toEqual({
      type: 'help.requested',
      timestamp: '2026-03-29T01:30:00.000Z',
      data: {
        id: 'alert-1',
        sessionId: 'session-1',
        subject: 'A visitor asks for a person',
        link: NOTICE.link,
      },
    })
    expect(posted.path).toBe('/hook?of=site')
    expect(() => verify(OLD, posted)).toThrow('No matching signature')
  })

  it('is verified by either secret while the receiver changes it', async () => {
    const posted = await post([NEW, OLD])
    expect(verify(NEW, posted)).toEqual(verify(OLD, posted))
  })

  it('is refused with any byte changed', async () => {
    const posted = await post([NEW])
    for (let at = 0; at < posted.body.length; at++) {
      const changed = `${posted.body.slice(0, at)}\u007f${posted.body.slice(at + 1)}`
      expect(() => verify(NEW, { ...posted, body: changed })).toThrow('No matching signature')
    }
    for (const header of ['webhook-id', 'webhook-timestamp']) {
      const headers = { ...posted.headers, [header]: `${Number(now) / 1000 + 1}`.slice(0, 10) }
      expect(() => verify(NEW, { ...posted, headers })).toThrow('No matching signature')
    }
  })

  it('has the same id and body again, and a new time', async () => {
    const first = await post([NEW])
    now = new Date(+now + 60_000)
    const second = await post([NEW])
    expect(second.body).toBe(first.body)
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id'])
    expect(Number(second.headers['webhook-timestamp'])).toBe(
      Number(first.headers['webhook-timestamp']) + 60,
    )
    expect(() => verify(NEW, second)).not.toThrow()
  })

  it.each(['a.b', 'é', 'x\r\nx-evil: 1', '\ud800'])('bears the id %j', async (id) => {
    const posted = await post([NEW], { ...NOTICE, id })
    expect(posted.headers['webhook-id']).toMatch(/^[\w%~!*'()-]+$/)
    expect(posted.headers).not.toHaveProperty('x-evil')
    expect(() => verify(NEW, posted)).not.toThrow()
  })

  it('is small, whatever its notice holds', async () => {
    const long = '\u{1f600}"\n'.repeat(10_000)
    const { body } = await post([NEW], { ...NOTICE, subject: long, text: long })
    expect(Buffer.byteLength(body)).toBeLessThan(20_000)
  })

  it('follows no redirect', async () => {
    const other = await startWebServer({})
    server.behaviour = { status: 307, headers: { location: `http://127.0.0.1:${other.port}/` } }
    await post([NEW])
    await other.close()
    expect(other.posts).toEqual([])
  })
})
