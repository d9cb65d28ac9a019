import { randomBytes, randomUUID } from 'node:crypto'
import type { ServiceProcess } from '../../../tests/environment/servers/processes.ts'
import type {
  Entrant,
  OpenComparison,
  OpenEntrant,
  Profile,
  Sample,
} from '../compare/comparison.ts'
import { tallyPaced, type Rate, type Tally } from '../load/pace.ts'
import { openUser, type User } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import {
  openBackEnds,
  startContestant,
  startOurs,
  startStore,
  type BenchBackEnds,
  type BenchStore,
} from '../servers.ts'

interface Size extends Rate {
  clients: number
  /** Messages of the warm-up: a gateway runs for days, so its code is compiled. */
  warmUp: number
  /** `count` applies to each. */
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { clients: 10, perSecond: 100, warmUp: 10, count: 15, slices: 2 },
  quick: { clients: 10, perSecond: 50, warmUp: 100, count: 75, slices: 2 },
  full: { clients: 150, perSecond: 100, warmUp: 1500, count: 200, slices: 10 },
}
const CONTENT = 'A message of two hundred characters, as people write them. '.padEnd(200, 'Yes. ')

type Start = (backEnds: BenchBackEnds) => Promise<ServiceProcess>

/** Measures from a client's send to the acknowledgement that the message is durable. */
export const openAck: OpenComparison = async (profile, env) => {
  const size = SIZES[profile]
  const store = await startStore(env)
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    open: () => openServer(store, size, start),
  })
  const insert: Start = ({ env }) => startContestant('bare-insert-main.ts', env)
  return {
    name: 'ack',
    title: 'Durable acknowledgement',
    load: `${size.perSecond} messages a second of 200 characters, from ${size.clients} clients of one gateway, each in a session of its own; no worker runs. The store is ${store.mongo.kind}.`,
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
      entrant('ours', 'The product', ({ env }) => startOurs('gateway', env)),
      entrant('ours -limits', 'Without rate limits', ({ env }) =>
        startOurs('gateway', { ...env, BENCH_WITHOUT: 'limits' }),
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
    close: () => store.mongo.stop(),
  }
}

interface Client extends User {
  lastSeq: number
}

async function openServer(store: BenchStore, size: Size, start: Start): Promise<OpenEntrant> {
  const backEnds = await openBackEnds(store)
  const server = await start(backEnds)
  const round = randomBytes(4).toString('hex')
  const clients = await Promise.all(
    Array.from({ length: size.clients }, async (_, index): Promise<Client> => {
      return { ...(await openUser(server, `bench-${round}-${index}`)), lastSeq: 0 }
    }),
  )
  const pids = { gateway: server.pid, ...backEnds.pids }
  await send(clients, { ...size, count: size.warmUp })
  return {
    async measure(): Promise<Sample> {
      const stop = await startCpuMeter(pids)
      const tally = await send(clients, size)
      const { per, clientCores } = await stop()
      return {
        ...tally.toSample(),
        'cpu gateway': per(size.count, 'gateway'),
        'cpu store': per(size.count, 'store'),
        'cpu redis': per(size.count, 'redis'),
        'client cores': clientCores,
      }
    },
    async close() {
      for (const { line } of clients) line.close()
      await server.stop()
      await backEnds.stop()
    },
  }
}

function send(clients: readonly Client[], rate: Rate): Promise<Tally> {
  return tallyPaced(rate, async (index, tally) => {
    const client = clients[index % clients.length]
    if (!client) return
    const { line, session } = client
    const payload = { sessionId: session.id, clientMessageId: randomUUID(), content: CONTENT }
    const { message } = await line.request<{ message: { seq: number } }>('message:send', payload)
    if (message.seq === client.lastSeq) tally.duplicates += 1
    if (message.seq < client.lastSeq) tally.misordered += 1
    client.lastSeq = Math.max(message.seq, client.lastSeq)
  })
}
