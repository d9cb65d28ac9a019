import { randomUUID } from 'node:crypto'
import type { Ack, Message, ReplyDelta, Session } from '@chatbox/contract'
import { io, type Socket } from 'socket.io-client'
import { startBenchCluster, type BenchCluster } from './bench-cluster.ts'
import { percentile, type Figure } from './figures.ts'
import { readStamp, startStampedModel } from './stamped-model.ts'
import type { SuiteOptions } from './suite.ts'
import { createToken } from './token.ts'

const WAIT_MS = 30_000
const WARM_UP_ROUNDS = 1

interface Client {
  socket: Socket
  sessionId: string
}

/**
 * From the first byte of the model's text to the first `reply:delta` at a client, in a cluster, while
 * as many replies as `streams` are written at once. Each client asks again when its answer is there.
 */
export async function measureFirstDelta({ streams, rounds }: SuiteOptions): Promise<Figure[]> {
  const model = await startStampedModel()
  const cluster = await startBenchCluster(model.url)
  const indexes = Array.from({ length: streams }, (_, index) => index)
  const clients = await Promise.all(indexes.map((index) => openClient(cluster, index)))
  const samples = await Promise.all(clients.map((client) => askRepeatedly(client, rounds)))
  for (const { socket } of clients) socket.disconnect()
  await cluster.stop()
  await model.stop()
  const all = samples.flat()
  return [
    {
      name: "model's first byte to first delta, p50",
      value: percentile(all, 0.5),
      unit: 'ms',
      reach: 10,
    },
    {
      name: "model's first byte to first delta, p99",
      value: percentile(all, 0.99),
      unit: 'ms',
      reach: 50,
    },
    { name: 'slowest', value: Math.max(...all), unit: 'ms' },
    { name: `replies, ${streams} at once`, value: all.length, unit: '' },
  ]
}

async function openClient(cluster: BenchCluster, index: number): Promise<Client> {
  const gateway = cluster.gateways[index % cluster.gateways.length]
  const socket = io(gateway?.url ?? '', {
    path: '/chatbox/socket.io',
    transports: ['websocket'],
    forceNew: true,
    auth: { token: createToken(`bench-${index}`, cluster.secret) },
  })
  await waitFor(socket, 'ready', () => true)
  const { session } = await emit<{ session: Session }>(socket, 'session:open', {})
  return { socket, sessionId: session.id }
}

async function askRepeatedly(client: Client, rounds: number): Promise<number[]> {
  const ages: number[] = []
  for (let round = 0; round < rounds + WARM_UP_ROUNDS; round += 1) {
    const age = await askOnce(client)
    if (round >= WARM_UP_ROUNDS) ages.push(age)
  }
  return ages
}

/** Asks, waits for the whole answer, and resolves with the age of its first delta in milliseconds. */
async function askOnce({ socket, sessionId }: Client): Promise<number> {
  let age = Number.NaN
  const onDelta = ({ index, text }: ReplyDelta) => {
    const arrivedAt = process.hrtime.bigint()
    const sentAt = index === 0 ? readStamp(text) : undefined
    if (sentAt !== undefined) age = Number(arrivedAt - sentAt) / 1e6
  }
  socket.on('reply:delta', onDelta)
  const answered = waitForReply(socket)
  const question = { sessionId, clientMessageId: randomUUID(), content: 'How long does it take?' }
  await emit(socket, 'message:send', question)
  await answered
  socket.off('reply:delta', onDelta)
  if (Number.isNaN(age)) throw new Error('a reply came without its first delta')
  return age
}

async function waitForReply(socket: Socket): Promise<void> {
  const isReply = ({ message }: { message: Message }): boolean => message.replyTo !== undefined
  const { message } = await waitFor(socket, 'message:new', isReply)
  if (message.status !== 'complete') throw new Error(`a reply is ${message.status}`)
}

/** The next event of that name for which `accept` holds. */
async function waitFor<T>(
  socket: Socket,
  event: string,
  accept: (payload: T) => boolean,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onEvent = (payload: T) => {
    if (accept(payload)) resolve(payload)
  }
  const timer = setTimeout(() => reject(new Error(`no ${event} came in time`)), WAIT_MS)
  socket.on(event, onEvent)
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    socket.off(event, onEvent)
  }
}

async function emit<T>(socket: Socket, event: string, payload: object): Promise<T> {
  const ack = (await socket.timeout(WAIT_MS).emitWithAck(event, payload)) as Ack<T>
  if (!ack.ok) throw new Error(`${event}: ${ack.error.code}`)
  return ack.data
}
