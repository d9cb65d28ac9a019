import { randomBytes, randomUUID } from 'node:crypto'
import type { Message, Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import type { Comparison, Profile, Sample } from '../compare/comparison.ts'
import { startOurs } from '../contestants/start-contestant.ts'
import { Line } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { Tally } from '../load/tally.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { readResidentKb } from '../measure/heap.ts'
import { createToken } from '../token.ts'

interface Size {
  viewers: number
  perSecond: number
  messages: number
}

const SIZES: Record<Profile, Size> = {
  quick: { viewers: 20, perSecond: 5, messages: 20 },
  full: { viewers: 200, perSecond: 8, messages: 160 },
}
const WARM_UP = 10
const ARRIVAL_MS = 15_000
const CONTENT = 'A long message. '.repeat(600)

/** One of many viewers of a session stops to read. */
export async function openSlowReader(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  const entrant = (name: string, what: string, stalled: number) => ({
    ...{ name, what },
    measure: () => measureViewers(backEnds, size, stalled),
  })
  return {
    name: 'slow-reader',
    title: `One that does not read among ${size.viewers}`,
    load: `${size.perSecond} messages a second of ${CONTENT.length} characters in one session with ${size.viewers} viewers; latency of those who read, from when a message was due.`,
    baseline: 'all read',
    nullEntrant: 'all read again',
    entrants: [
      entrant('all read', 'Nobody stops', 0),
      entrant('all read again', 'The same once more: the resolution', 0),
      entrant('one does not', 'One viewer reads nothing from the first message on', 1),
    ],
    metrics: [
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms', compared: true },
      { name: 'cpu gateway', unit: 'us', compared: true },
      { name: 'grown by', unit: 'KB' },
    ],
    targets: [
      {
        ...{ text: 'p99 of the others, with one that does not read over none', kind: 'ratio' },
        ...{ metric: 'latency p99', entrant: 'one does not', over: 'all read', reach: 1.2 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

async function measureViewers(
  backEnds: BenchBackEnds,
  size: Size,
  stalled: number,
): Promise<Sample> {
  const { viewers, messages } = size
  const env = { ...backEnds.env, MAX_CONNECTIONS_PER_USER: '1000' }
  const gateway = await startOurs('gateway', { env })
  const user = `bench-${randomBytes(8).toString('hex')}`
  const dueOf = new Map<string, number>()
  const tally = new Tally()
  const open = (onEvent: (event: string, text: string) => void) =>
    openLine(gateway, { token: createToken(user, backEnds.secret), onEvent })
  const sender = await open(() => undefined)
  const readers: Line[] = []
  for (let index = 0; index < viewers; index += 1) {
    const reads = index >= stalled
    readers.push((await open(reads ? onNews(dueOf, tally) : () => undefined)).line)
  }
  const send = (count: number) => sendAll(sender, dueOf, { ...size, messages: count })
  try {
    await send(WARM_UP)
    await waitUntil(() => tally.delivered >= WARM_UP * (viewers - stalled), ARRIVAL_MS)
    Object.assign(tally, { delivered: 0 })
    tally.latenciesMs.length = 0
    for (const line of readers.slice(0, stalled)) line.stopReading()
    const before = await readResidentKb(gateway.pid)
    const stop = await startCpuMeter({ gateway: gateway.pid })
    await send(messages)
    tally.sent = messages * (viewers - stalled)
    await waitUntil(() => tally.delivered >= tally.sent, ARRIVAL_MS)
    const { byPart, clientCores } = await stop()
    return {
      ...tally.toSample(),
      'cpu gateway': (byPart.gateway ?? 0) / messages,
      'grown by': (await readResidentKb(gateway.pid)) - before,
      'client cores': clientCores,
    }
  } finally {
    for (const line of [sender.line, ...readers]) line.close()
    await gateway.stop()
  }
}

interface Opened {
  line: Line
  sessionId: string
}

async function openLine(
  gateway: ServiceProcess,
  options: { token: string; onEvent: (event: string, text: string) => void },
): Promise<Opened> {
  const line = await Line.open({
    ...{ url: socketUrl(gateway, 'engine.io'), dialect: 'engine.io' },
    ...options,
  })
  const { session } = await line.request<{ session: Session }>('session:open', {})
  return { line, sessionId: session.id }
}

function onNews(dueOf: ReadonlyMap<string, number>, tally: Tally) {
  let lastSeq = 0
  return (event: string, text: string): void => {
    if (event !== 'message:new') return
    const arrivedAt = performance.now()
    const { message } = JSON.parse(text) as { message: Message }
    tally.delivered += 1
    if (message.seq === lastSeq) tally.duplicates += 1
    if (message.seq < lastSeq) tally.misordered += 1
    lastSeq = message.seq
    tally.latenciesMs.push(arrivedAt - (dueOf.get(message.clientMessageId ?? '') ?? Number.NaN))
  }
}

async function sendAll(
  { line, sessionId }: Opened,
  dueOf: Map<string, number>,
  { perSecond, messages }: Pick<Size, 'perSecond' | 'messages'>,
): Promise<void> {
  await pace(perSecond, messages, (_, dueAt) => {
    const clientMessageId = randomUUID()
    dueOf.set(clientMessageId, dueAt)
    line
      .request('message:send', { sessionId, clientMessageId, content: CONTENT })
      .catch(() => undefined)
  })
}
