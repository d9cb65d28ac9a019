import { randomBytes, randomUUID } from 'node:crypto'
import type { Message } from '@chatbox/contract'
import type { WireClient } from '../../../tests/environment/wire-client.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { pace, Tally, waitUntil, type Rate } from '../load/pace.ts'
import { openUser, type User } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { watchCloses } from '../measure/watch-closes.ts'
import { openBackEnds, startOurs, type BenchBackEnds } from '../servers.ts'

interface Size extends Rate {
  viewers: number
  /** How many of them stop reading in the runs with slow readers. */
  stalled: number
  slices: number
}

/**
 * Unread data first fills the system's buffers, about 6 MB here. The p99 of a slice is its ten
 * slowest messages, so a single pause of the machine decides it. That is why there are slices.
 */
const SIZES: Record<Profile, Size> = {
  smoke: { viewers: 4, stalled: 1, perSecond: 50, count: 20, slices: 1 },
  quick: { viewers: 20, stalled: 10, perSecond: 20, count: 600, slices: 1 },
  full: { viewers: 200, stalled: 100, perSecond: 20, count: 1000, slices: 5 },
}
const WARM_UP = 10
const WATCHERS = 10
const ARRIVAL_MS = 15_000
const CONTENT = 'A long message. '.repeat(600)

/** Lets some of many viewers of a session stop reading. */
export async function openSlowReader(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await openBackEnds()
  const entrant = (name: string, what: string, stalled: number) => ({
    ...{ name, what },
    open: measuredAlone(() => measureViewers(backEnds, size, stalled)),
  })
  return {
    name: 'slow-reader',
    title: `${size.stalled} that do not read among ${size.viewers}`,
    load: `${size.perSecond} messages a second of ${CONTENT.length} characters in one session with ${size.viewers} viewers; latency of those who read, from when a message was due.`,
    baseline: 'all read',
    nullEntrant: 'all read again',
    slices: size.slices,
    entrants: [
      entrant('all read', 'Nobody stops', 0),
      entrant('all read again', 'The same once more: the resolution', 0),
      entrant(
        'some do not',
        `${size.stalled} read nothing from the first message on`,
        size.stalled,
      ),
    ],
    metrics: [
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms', compared: true },
      { name: 'cpu gateway', unit: 'us', compared: true },
      { name: 'held by each', unit: 'KB' },
      { name: 'closed', unit: 'count' },
      { name: 'closed after', unit: 's' },
    ],
    targets: [
      {
        ...{ text: 'p99 of the others, with many that do not read over none', kind: 'ratio' },
        ...{ metric: 'latency p99', entrant: 'some do not', over: 'all read', reach: 1.2 },
      },
      {
        ...{ text: 'Memory for each that does not read, at most, KB', kind: 'value' },
        ...{ metric: 'held by each', entrant: 'some do not', reach: 1536 },
      },
      {
        ...{ text: 'From the end of its budget until it is closed, at most, s', kind: 'value' },
        ...{ metric: 'closed after', entrant: 'some do not', reach: 5 },
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
  const { viewers, count: messages } = size
  const env = { ...backEnds.env, MAX_CONNECTIONS_PER_USER: '1000' }
  const gateway = await startOurs('gateway', env)
  const dueOf = new Map<string, number>()
  const tally = new Tally()
  const sender = await openUser(gateway, `bench-${randomBytes(8).toString('hex')}`)
  const range = { sessionId: sender.session.id }
  const readers: WireClient[] = []
  for (let index = 0; index < viewers; index += 1) {
    const onEvent = index >= stalled ? onNews(dueOf, tally) : undefined
    // These are operators, because one user may not connect this often within a minute.
    const options = { roles: ['chat_admin'], range, ...(onEvent && { onEvent }) }
    readers.push((await openUser(gateway, `watcher-${index % WATCHERS}`, options)).line)
  }
  const send = (count: number) => sendAll(sender, dueOf, { ...size, count })
  try {
    await send(WARM_UP)
    await waitUntil(() => tally.delivered >= WARM_UP * (viewers - stalled), ARRIVAL_MS)
    Object.assign(tally, { delivered: 0 })
    tally.latenciesMs.length = 0
    for (const line of readers.slice(0, stalled)) line.stopReading()
    const watched = await watchCloses(gateway)
    const stop = await startCpuMeter({ gateway: gateway.pid })
    await send(messages)
    tally.sent = messages * (viewers - stalled)
    await waitUntil(() => tally.delivered >= tally.sent, ARRIVAL_MS)
    const { per, clientCores } = await stop()
    const closes = await watched()
    return {
      ...tally.toSample(),
      'cpu gateway': per(messages),
      ...(stalled > 0 && {
        'held by each': closes.grownKb / stalled,
        closed: closes.given,
        'closed after': closes.longestMs / 1000,
      }),
      'client cores': clientCores,
    }
  } finally {
    for (const line of [sender.line, ...readers]) line.close()
    await gateway.stop()
  }
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
  { line, session }: User,
  dueOf: Map<string, number>,
  rate: Rate,
): Promise<void> {
  await pace(rate, (_, dueAt) => {
    const clientMessageId = randomUUID()
    dueOf.set(clientMessageId, dueAt)
    const message = { sessionId: session.id, clientMessageId, content: CONTENT }
    line.request('message:send', message).catch(() => undefined)
  })
}
