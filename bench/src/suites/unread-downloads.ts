import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { signToken } from '../../../tests/environment/tokens.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { tallyPaced, type Rate } from '../load/pace.ts'
import { openUser, type User } from '../load/user.ts'
import { watchCloses } from '../measure/watch-closes.ts'
import { openBackEnds, startOurs, type BenchBackEnds } from '../servers.ts'

interface Size extends Rate {
  downloads: number
  /** Entries of the log, each of 10,000 emoji. */
  entries: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { downloads: 20, entries: 20, perSecond: 20, count: 40 },
  quick: { downloads: 400, entries: 195, perSecond: 20, count: 400 },
  full: { downloads: 400, entries: 195, perSecond: 20, count: 1000 },
}
const ENTRY = '🙂'.repeat(10_000)
const CONTENT = 'A message of two hundred characters, as people write them. '.padEnd(200, 'Yes. ')
/** A user may have two, and an address four, so all caps of the gateway are met. */
const OF_USER = 4
const OF_ADDRESS = 16

/** Lets somebody ask for transcripts and read none of them. */
export async function openUnreadDownloads(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await openBackEnds()
  const entrant = (name: string, what: string, downloads: number) => ({
    ...{ name, what },
    open: measuredAlone(() => measureSenders(backEnds, { ...size, downloads })),
  })
  return {
    name: 'unread-downloads',
    title: `${size.downloads} transcripts that nobody reads`,
    load: `${size.perSecond} messages a second of 200 characters in one session; transcripts of ${size.entries} messages of 10,000 emoji.`,
    baseline: 'no downloads',
    nullEntrant: 'no downloads again',
    slices: 1,
    entrants: [
      entrant('no downloads', 'Nobody asks', 0),
      entrant('no downloads again', 'The same once more: the resolution', 0),
      entrant('unread', `${size.downloads} ask at once and read nothing`, size.downloads),
    ],
    metrics: [
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms', compared: true },
      { name: 'memory', unit: 'KB' },
    ],
    targets: [
      {
        ...{ text: 'p50 of the others, with transcripts over none', kind: 'ratio' },
        ...{ metric: 'latency p50', entrant: 'unread', over: 'no downloads', reach: 1.2 },
      },
      {
        ...{ text: 'Growth with all that nobody reads, at most, KB', kind: 'value' },
        // The load itself takes some 10 MB.
        ...{ metric: 'memory', entrant: 'unread', reach: 60 * 1024 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

async function measureSenders(backEnds: BenchBackEnds, size: Size): Promise<Sample> {
  const env = { ...backEnds.env, TRUSTED_PROXIES: '127.0.0.1', RATE_LIMIT: '100000' }
  const gateway = await startOurs('gateway', env)
  const round = randomBytes(4).toString('hex')
  const owner = await openUser(gateway, `owner-${round}`)
  const sender = await openUser(gateway, `sender-${round}`)
  for (let index = 0; index < size.entries; index += 1) await send(owner, ENTRY)
  await tallyPaced({ ...size, count: 100 }, () => send(sender, CONTENT))
  const unread: Socket[] = []
  try {
    const watched = await watchCloses(gateway)
    const asked = Array.from({ length: size.downloads }, async (_, index) => {
      unread.push(await askUnread(gateway.port, owner, index))
    })
    const tally = await tallyPaced(size, () => send(sender, CONTENT))
    await Promise.all(asked)
    for (const socket of unread.splice(0)) socket.destroy()
    const { grownKb } = await watched()
    return { ...tally.toSample(), memory: grownKb }
  } finally {
    for (const socket of unread) socket.destroy()
    for (const { line } of [owner, sender]) line.close()
    await gateway.stop()
  }
}

function send({ line, session }: User, content: string): Promise<unknown> {
  const message = { sessionId: session.id, clientMessageId: randomUUID(), content }
  return line.request('message:send', message)
}

/** Asks as one of many operators from one of many addresses, and reads nothing. */
async function askUnread(port: number, { session }: User, index: number): Promise<Socket> {
  const token = await signToken({
    sub: `operator-${Math.floor(index / OF_USER)}`,
    roles: ['chat_admin'],
  })
  const socket = connect(port, '127.0.0.1').pause()
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  const head = [
    `GET /chatbox/api/sessions/${session.id}/transcript HTTP/1.1`,
    'Host: x',
    `Authorization: Bearer ${token}`,
    `X-Forwarded-For: 203.0.113.${Math.floor(index / OF_ADDRESS)}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  return socket
}
