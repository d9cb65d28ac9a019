import { randomBytes, randomUUID } from 'node:crypto'
import type { Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startStore, type BenchBackEnds, type BenchStore } from '../bench-cluster.ts'
import type {
  Entrant,
  OpenComparison,
  OpenEntrant,
  Profile,
  Sample,
} from '../compare/comparison.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { Line } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { Tally } from '../load/tally.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createToken } from '../token.ts'

interface Size {
  clients: number
  perSecond: number
  /** Messages before those that count: a gateway runs for days, and its code is compiled by then. */
  warmUp: number
  /** Of each slice. */
  messages: number
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { clients: 10, perSecond: 100, warmUp: 10, messages: 15, slices: 2 },
  quick: { clients: 10, perSecond: 50, warmUp: 100, messages: 75, slices: 2 },
  full: { clients: 150, perSecond: 100, warmUp: 1500, messages: 200, slices: 10 },
}
const ARRIVAL_MS = 10_000
const CONTENT = 'A message of two hundred characters, as people write them. '.padEnd(200, 'Yes. ')

type Start = (backEnds: BenchBackEnds) => Promise<ServiceProcess>

/** From a client's send to the acknowledgement that the message is durable. */
export const openAck: OpenComparison = async (profile, env) => {
  const size = SIZES[profile]
  const store = await startStore(env)
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    open: () => openServer(store, size, start),
  })
  const insert: Start = ({ env }) => startContestant('bare-insert-main.ts', { env })
  return {
    name: 'ack',
    title: 'Durable acknowledgement',
    load: `${size.perSecond} messages a second of 200 characters, from ${size.clients} clients of one gateway, each in a session of its own; no worker runs. The store is ${store.kind}.`,
    baseline: 'bare insert',
    slices: size.slices,
    nullEntrant: 'bare insert again',
    entrants: [
      entrant(
        'bare insert',
        'Socket.IO whose handler inserts the message as one document, majority write, and answers',
        insert,
      ),
      entrant('bare insert again', 'The same once more: the resolution', insert),
      entrant('ours', 'The product', ({ env }) => startOurs('gateway', { env })),
      entrant('ours -limits', 'Without rate limits', ({ env }) =>
        startOurs('gateway', { env: { ...env, BENCH_WITHOUT: 'limits' } }),
      ),
    ],
    metrics: [
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms' },
      { name: 'cpu gateway', unit: 'us', compared: true },
      { name: 'cpu store', unit: 'us', compared: true },
      { name: 'cpu redis', unit: 'us' },
    ],
    targets: [
      {
        ...{ text: 'Durable acknowledgement p50, ours over a bare insert', metric: 'latency p50' },
        ...{ entrant: 'ours', over: 'bare insert', kind: 'ratio', reach: 1.5 },
      },
    ],
    close: () => store.stop(),
  }
}

interface Client {
  line: Line
  sessionId: string
  lastSeq: number
}

async function openServer(store: BenchStore, size: Size, start: Start): Promise<OpenEntrant> {
  const backEnds = await store.openBackEnds()
  const server = await start(backEnds)
  const round = randomBytes(4).toString('hex')
  const clients = await Promise.all(
    Array.from({ length: size.clients }, (_, index) =>
      openClient(server, `bench-${round}-${index}`, backEnds.secret),
    ),
  )
  await send(clients, { ...size, messages: size.warmUp })
  return {
    measure: () => measureSlice({ backEnds, server, clients }, size),
    async close() {
      for (const { line } of clients) line.close()
      await server.stop()
      await backEnds.stop()
    },
  }
}

interface Place {
  backEnds: BenchBackEnds
  server: ServiceProcess
  clients: Client[]
}

async function measureSlice({ backEnds, server, clients }: Place, size: Size): Promise<Sample> {
  const stop = await startCpuMeter({ gateway: server.pid, ...backEnds.pids })
  const tally = await send(clients, size)
  const { byPart, clientCores } = await stop()
  const per = (part: string): number => (byPart[part] ?? 0) / size.messages
  return {
    ...tally.toSample(),
    'cpu gateway': per('gateway'),
    'cpu store': per('store'),
    'cpu redis': per('redis'),
    'client cores': clientCores,
  }
}

async function openClient(server: ServiceProcess, user: string, secret: string): Promise<Client> {
  const line = await Line.open({
    url: socketUrl(server, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(user, secret),
  })
  const { session } = await line.prepare<{ session: Pick<Session, 'id'> }>('session:open', {})
  return { line, sessionId: session.id, lastSeq: 0 }
}

async function send(
  clients: Client[],
  { perSecond, messages }: Pick<Size, 'perSecond' | 'messages'>,
): Promise<Tally> {
  const tally = new Tally()
  let answered = 0
  await pace(perSecond, messages, (index, dueAt) => {
    const client = clients[index % clients.length]
    if (!client) return
    tally.sent += 1
    const { line, sessionId } = client
    const message = { sessionId, clientMessageId: randomUUID(), content: CONTENT }
    line
      .request<{ message: { seq: number } }>('message:send', message)
      .then(({ message: { seq } }) => onAck({ client, tally, dueAt }, seq))
      .catch(() => undefined)
      .finally(() => {
        answered += 1
      })
  })
  await waitUntil(() => answered === messages, ARRIVAL_MS)
  return tally
}

interface Sending {
  client: Client
  tally: Tally
  dueAt: number
}

function onAck({ client, tally, dueAt }: Sending, seq: number): void {
  tally.delivered += 1
  tally.latenciesMs.push(performance.now() - dueAt)
  if (seq === client.lastSeq) tally.duplicates += 1
  if (seq < client.lastSeq) tally.misordered += 1
  client.lastSeq = Math.max(seq, client.lastSeq)
}
