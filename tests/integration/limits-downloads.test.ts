import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import type { Session } from '@chatbox/contract'
import { signToken } from '../environment/tokens.ts'
import { waitUntil } from '../environment/wait-until.ts'
import { override } from '../environment/override.ts'
import { API, askHttp } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'
import type { TestGateway } from '../support/test-gateway.ts'

const MIB = 1024 ** 2
/** More than the buffers of a connection hold. */
const ENTRIES = 195
const open: Socket[] = []

// Before those of the harness, which wait for the connections.
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

const h = useGateway({ server: { trustedProxies: ['127.0.0.1'] } })

let long: Session

beforeAll(async () => {
  const owner = await h.connect({ userId: 'owner' })
  long = (await owner.open()).session
  for (let index = 0; index < ENTRIES; index++) await owner.send(long, '🙂'.repeat(10_000))
}, 120_000)

let operators = 0
const newOperator = () => signToken({ sub: `op-${operators++}`, roles: ['chat_admin'] })

interface Unread {
  socket: Socket
  /** The status line, once it is there. */
  status: string
}

interface Asking {
  token: string
  gateway?: TestGateway
  address?: string
  route?: string
  session?: Session
}

/** Asks, reads the first bytes of the answer and no more. Resolves when those are there. */
async function ask({ token, gateway = h.gateway, ...asking }: Asking): Promise<Unread> {
  const { address = '192.0.2.1', route = 'transcript', session = long } = asking
  const socket = connect(gateway.port, '127.0.0.1')
  open.push(socket)
  socket.on('error', () => undefined)
  const head = [
    `GET ${API}/sessions/${session.id}/${route} HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${token}`,
    `X-Forwarded-For: ${address}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  const status = await new Promise<string>((resolve, reject) => {
    socket.once('close', () => reject(new Error('closed without an answer')))
    socket.once('data', (bytes: Buffer) => {
      socket.pause()
      resolve(String(bytes).split('\r\n')[0] ?? '')
    })
  })
  return { socket, status }
}

const OK = 'HTTP/1.1 200 OK'
const REFUSED = 'HTTP/1.1 429 Too Many Requests'
const statusesOf = (asked: Unread[]) => asked.map(({ status }) => status)

/** Asks one after the other. */
async function askAll(askings: Asking[]): Promise<Unread[]> {
  const asked: Unread[] = []
  for (const asking of askings) asked.push(await ask(asking))
  return asked
}

async function isServed(asking: Asking): Promise<boolean> {
  const { status, socket } = await ask(asking)
  socket.destroy()
  return status === OK
}

/** A gateway whose store does not answer, so that downloads cost nothing but their beginning. */
async function startHeld(allowVisitors = false): Promise<TestGateway> {
  const { messages } = h.backend.ports
  const read = () => new Promise<never>(() => undefined)
  const server = { trustedProxies: ['127.0.0.1'] }
  return await h.startOther(
    { server, auth: { allowVisitors } },
    { messages: override(messages, { read }) },
  )
}

/** A new visitor, who may read only their own session. */
async function askAsVisitor(gateway: TestGateway, address: string): Promise<Unread> {
  const headers = { 'x-forwarded-for': address }
  const response = await askHttp(h, `${API}/visitors`, {
    ...{ url: gateway.url, method: 'POST', headers },
  })
  const { token } = (await response.json()) as { token: string }
  const visitor = await h.connect({ url: gateway.url, token })
  const { session } = await visitor.open()
  visitor.close()
  return await ask({ gateway, token, address, session })
}

describe('downloads that nobody reads', () => {
  it('are two of a user, whatever address they come from', async () => {
    const token = await newOperator()
    const addresses = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
    const asked = await askAll(addresses.map((address) => ({ token, address })))
    expect(statusesOf(asked)).toEqual([OK, OK, REFUSED, REFUSED])
    expect(await isServed({ token: await newOperator() })).toBe(true)
    // Other things of the same user go on.
    expect(await isServed({ token, route: 'messages' })).toBe(true)
    asked[0]?.socket.destroy()
    await waitUntil(() => isServed({ token }))
  })

  it('are four of an address, whoever asks, and of a network of IPv6', async () => {
    const gateway = await startHeld()
    const asked: Asking[] = []
    for (let index = 0; index < 5; index++) {
      asked.push({ gateway, token: await newOperator(), address: `2001:db8::${index}` })
    }
    expect(statusesOf(await askAll(asked))).toEqual([...Array<string>(4).fill(OK), REFUSED])
    const token = await newOperator()
    expect(await isServed({ gateway, token, address: '2001:db8:0:1::1' })).toBe(true)
  })

  it('are 16 of a process, and new ones are served when they have gone', async () => {
    const gateway = await startHeld()
    const asked: Asking[] = []
    for (let index = 0; index < 17; index++) {
      asked.push({ gateway, token: await newOperator(), address: `198.51.100.${index}` })
    }
    expect(statusesOf(await askAll(asked))).toEqual([...Array<string>(16).fill(OK), REFUSED])
    for (const socket of open.splice(0)) socket.destroy()
    const token = await newOperator()
    await waitUntil(() => isServed({ gateway, token, address: '198.51.100.200' }))
  })

  it('are never all held by visitors, and users find a place', async () => {
    const gateway = await startHeld(true)
    const statuses: string[] = []
    for (let index = 0; index < 7 * 3; index++) {
      const address = `198.51.100.${Math.floor(index / 3)}`
      statuses.push((await askAsVisitor(gateway, address)).status)
    }
    const ofAddress = [OK, OK, REFUSED]
    expect(statuses.slice(0, 18)).toEqual(Array.from({ length: 6 }, () => ofAddress).flat())
    expect(statuses.slice(18)).toEqual(Array<string>(3).fill(REFUSED))
    const address = '198.51.100.0'
    expect(await isServed({ gateway, token: await newOperator(), address })).toBe(true)
  })

  it('hold little memory, however many are asked for', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const held = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return heapUsed + external
    }
    const tokens = await Promise.all(Array.from({ length: 40 }, newOperator))
    const before = held()
    await Promise.all(
      tokens.map((token, index) => ask({ token, address: `203.0.113.${Math.floor(index / 2)}` })),
    )
    expect(held() - before).toBeLessThan(50 * MIB)
  }, 60_000)

  it('do not hold up the end of the process', async () => {
    const gateway = await h.startOther()
    await ask({ gateway, token: await newOperator() })
    await gateway.stop()
  }, 15_000)

  it('are refused with a time to wait', async () => {
    const token = await newOperator()
    await askAll([{ token }, { token }])
    const response = await askHttp(h, `${API}/sessions/${long.id}/transcript`, { token })
    expect(response.status).toBe(429)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  })
})

describe('responses', () => {
  it('are ended when nothing of them is taken, whatever they are', async () => {
    const webRoot = await mkdtemp(join(tmpdir(), 'chatbox-unread-'))
    await writeFile(join(webRoot, 'long.txt'), Buffer.alloc(32 * MIB, 'x'))
    const gateway = await h.startOther({ webRoot })
    const token = await newOperator()
    const openUnread = async (port: number, path: string, times: number): Promise<number> => {
      const socket = connect(port, '127.0.0.1').pause()
      open.push(socket)
      socket.on('error', () => undefined)
      const request = `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`
      socket.write(request.repeat(times))
      const startedAt = performance.now()
      // A client that does not read learns of the end when it writes. The server skips these lines.
      const timer = setInterval(() => socket.write('\r\n'), 500)
      await new Promise((resolve) => socket.once('close', resolve))
      clearInterval(timer)
      return performance.now() - startedAt
    }
    const page = `${API}/sessions/${long.id}/messages?limit=200`
    // Of many requests on one connection, the next one is late before that.
    const [downloaded, served, piped] = await Promise.all([
      openUnread(gateway.port, `${API}/sessions/${long.id}/transcript`, 1),
      openUnread(gateway.port, '/chatbox/long.txt', 1),
      openUnread(gateway.port, page, 15),
    ])
    await rm(webRoot, { recursive: true })
    expect(Math.min(downloaded, served)).toBeGreaterThan(25_000)
    expect(Math.max(downloaded, served, piped)).toBeLessThan(50_000)
  }, 70_000)
})

describe('reads that are not answered yet', () => {
  it('are 16 of a user, and other requests go on', async () => {
    const held = Promise.withResolvers<undefined>()
    const { messages } = h.backend.ports
    const read: typeof messages.read = async (...args) => {
      await held.promise
      return await messages.read(...args)
    }
    const other = await h.startOther({}, { messages: override(messages, { read }) })
    const token = await newOperator()
    const get = (route: string) => askHttp(h, API + route, { token, url: other.url })
    const page = `/sessions/${long.id}/messages?limit=1`
    const asked = Array.from({ length: 17 }, () => get(page))
    expect((await Promise.race(asked)).status).toBe(429)
    expect((await get('/models')).status).toBe(429)
    expect((await get('/openapi.json')).status).toBe(200)
    held.resolve(undefined)
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(16)
    await waitUntil(async () => (await get('/models')).status === 200)
  })
})

describe('a transcript', () => {
  it('that is longer than the points of its user waits for new ones', async () => {
    const { limiter } = h.backend.ports
    let refused = 0
    const take: typeof limiter.take = async (rule) => {
      if (rule.name !== 'transcript') return { allowed: true }
      refused++
      return { allowed: false, retryAfterMs: 1 }
    }
    const other = await h.startOther({}, { limiter: override(limiter, { take }) })
    const route = `${API}/sessions/${long.id}/transcript?format=json`
    const response = await askHttp(h, route, { token: await newOperator(), url: other.url })
    const file = (await response.json()) as { messages: unknown[]; complete: boolean }
    expect([file.messages.length, file.complete]).toEqual([ENTRIES, true])
    expect(refused).toBeGreaterThan(ENTRIES / 5)
  }, 60_000)

  it('is read page by page, as fast as it is taken and by its length', async () => {
    const { messages } = h.backend.ports
    let entries = 0
    const read: typeof messages.read = async (...args) => {
      const page = await messages.read(...args)
      entries += page.messages.length
      return page
    }
    const other = await h.startOther({}, { messages: override(messages, { read }) })
    const socket = connect(other.port, '127.0.0.1')
    open.push(socket)
    socket.pause()
    const token = await newOperator()
    const path = `${API}/sessions/${long.id}/transcript`
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    let seen = -1
    await waitUntil(async () => {
      const isStill = entries > 0 && entries === seen
      seen = entries
      await new Promise((resolve) => setTimeout(resolve, 200))
      return isStill
    })
    // The buffers of the connection hold the rest.
    expect(entries).toBeLessThan(ENTRIES)
  })
})
