import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from '@jest/globals'
import { waitUntil } from '../environment/wait-until.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'
import { API, askHttp } from '../support/ask-http.ts'
import { HandshakeError } from '../support/chat-user.ts'
import { useGateway } from '../support/gateway-harness.ts'

const h = useGateway()
const open: Socket[] = []

afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

function connect(port: number): Socket {
  const socket = connectTcp(port, '127.0.0.1')
  socket.on('error', () => undefined)
  open.push(socket)
  return socket
}

async function answerTo(request: string): Promise<string> {
  const socket = connect(h.gateway.port)
  socket.write(request)
  return await text(socket)
}

/** How many of the answers are refusals by rate. */
async function countRefused(asked: Promise<Response>[]): Promise<number> {
  const answers = await Promise.all(asked)
  await Promise.all(answers.map((answer) => answer.arrayBuffer()))
  return answers.filter(({ status }) => status === 429).length
}

describe('beyond the limit of', () => {
  it('connections besides the sockets', async () => {
    const small = await h.startOther({ limits: { maxConnections: 1 } })
    const closed: Socket[] = []
    const connected = Array.from({ length: 1003 }, () => {
      const socket = connect(small.port)
      socket.once('close', () => closed.push(socket))
      return once(socket, 'connect')
    })
    await Promise.all(connected)
    await waitUntil(() => closed.length === 2)
    for (const socket of open.splice(0)) socket.destroy()
    const isServed = () => askHttp(h, '/healthz', { url: small.url }).then(() => true)
    await waitUntil(() => isServed().catch(() => false))
  })

  it('handshakes of a user', async () => {
    const token = await signToken({ sub: 'restless' })
    const connectOnce = async () => {
      const user = await h.connect({ token }).catch((error: unknown) => error)
      if (user instanceof HandshakeError) return user.info?.code
      if (user instanceof Error) throw user
      return 'accepted'
    }
    const codes: unknown[] = []
    for (let times = 0; times < 121; times++) codes.push(await connectOnce())
    expect(codes.indexOf('TOO_MANY_REQUESTS')).toBe(120)
  })

  it('headers of a request', async () => {
    const long = `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(17_000)}\r\n\r\n`
    expect(await answerTo(long)).toMatch(/^HTTP\/1\.1 431 /u)
  })

  it('time of a request', async () => {
    const token = await signToken({ sub: 'slow' })
    const head = [
      `POST ${API}/sessions/x/end HTTP/1.1`,
      'Host: x',
      `Authorization: Bearer ${token}`,
      'Content-Length: 10',
      '',
      '{',
    ]
    expect(await answerTo(head.join('\r\n'))).toMatch(/^HTTP\/1\.1 408 /u)
  })

  it('changes of a user', async () => {
    const small = await h.startOther({ limits: { rateLimit: 5 } })
    const token = await signToken({ sub: 'changing' })
    const end = { url: small.url, token, method: 'POST' }
    const asked = Array.from({ length: 12 }, () => askHttp(h, `${API}/sessions/x/end`, end))
    expect(await countRefused(asked)).toBe(2)
  })

  it('new tokens of a visitor who comes back, and nobody beside them', async () => {
    const auth = { allowVisitors: true, jwtSecret: TEST_SECRET }
    const open = await h.startOther({ auth })
    const ask = (cookie = '') =>
      askHttp(h, `${API}/visitors`, { url: open.url, method: 'POST', headers: { cookie } })
    const proofOf = async () => (await ask()).headers.get('set-cookie')?.split(';')[0]
    const [one, two] = [await proofOf(), await proofOf()]
    expect(await countRefused(Array.from({ length: 62 }, () => ask(one)))).toBe(2)
    expect(await countRefused(Array.from({ length: 60 }, () => ask(two)))).toBe(0)
  })
})
