import { randomBytes, randomUUID } from 'node:crypto'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { startFlooder } from '../load/flooder.ts'
import { tallyPaced, type Rate } from '../load/pace.ts'
import { openUser } from '../load/user.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { openBackEnds, startOurs, type BenchBackEnds } from '../servers.ts'

interface Size extends Rate {
  clients: number
  warmUp: number
}

/** Each client stays below the default rate limit of messages. */
const SIZES: Record<Profile, Size> = {
  smoke: { clients: 5, perSecond: 50, warmUp: 10, count: 50 },
  quick: { clients: 40, perSecond: 40, warmUp: 100, count: 600 },
  full: { clients: 40, perSecond: 40, warmUp: 300, count: 1600 },
}

/** Lets some connections of one user send as many small frames as they can. */
export async function openFlood(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await openBackEnds()
  const entrant = (name: string, what: string, flooders: number) => ({
    ...{ name, what },
    open: measuredAlone(() => measureOthers(backEnds, size, flooders)),
  })
  return {
    name: 'flood',
    title: 'Others, while one user floods',
    load: `${size.perSecond} messages a second from ${size.clients} clients of one gateway with the default rate limit; each flooding connection sends 3 MB/s of frames of 13 bytes and comes back when it is closed.`,
    baseline: 'quiet',
    nullEntrant: 'quiet again',
    entrants: [
      entrant('quiet', 'Nobody floods', 0),
      entrant('quiet again', 'The same once more: the resolution', 0),
      entrant('one', 'One connection floods', 1),
      entrant('five', 'Five connections of one user flood', 5),
    ],
    metrics: [
      { name: 'latency p50', unit: 'ms', compared: true },
      { name: 'latency p99', unit: 'ms' },
      { name: 'slowest', unit: 'ms' },
      { name: 'cpu gateway', unit: 'us', compared: true },
      { name: 'closed', unit: 'count' },
      { name: 'closed after', unit: 's' },
    ],
    targets: [
      ...(['one', 'five'] as const).flatMap((flooders): Comparison['targets'] => [
        {
          ...{ text: `Slowest acknowledgement of others, ${flooders} flooding, ms over quiet` },
          ...{ metric: 'slowest', entrant: flooders, over: 'quiet', kind: 'added', reach: 50 },
        },
        {
          ...{ text: `From the first frame of a flood until it is closed, ${flooders}, s` },
          ...{ metric: 'closed after', entrant: flooders, kind: 'value', reach: 5 },
        },
      ]),
    ],
    close: () => backEnds.stop(),
  }
}

async function measureOthers(
  backEnds: BenchBackEnds,
  size: Size,
  flooders: number,
): Promise<Sample> {
  const gateway = await startOurs('gateway', { ...backEnds.env, RATE_LIMIT: '100' })
  const round = randomBytes(4).toString('hex')
  const clients = await Promise.all(
    Array.from({ length: size.clients }, (_, index) =>
      openUser(gateway, `bench-${round}-${index}`),
    ),
  )
  const send = (rate: Rate) =>
    tallyPaced(rate, async (index) => {
      const client = clients[index % clients.length]
      if (!client) return
      const payload = { sessionId: client.session.id, clientMessageId: randomUUID(), content: 'Hi' }
      await client.line.request('message:send', payload)
    })
  try {
    await send({ ...size, count: size.warmUp })
    const flooding = Array.from({ length: flooders }, () =>
      startFlooder(gateway, `flooder-${round}`),
    )
    const stop = await startCpuMeter({ gateway: gateway.pid })
    const tally = await send(size)
    const { per, clientCores } = await stop()
    await Promise.all(flooding.map((flooder) => flooder.stop()))
    const closedAfterMs = flooding.flatMap((flooder) => flooder.closedAfterMs)
    return {
      ...tally.toSample(),
      'cpu gateway': per(size.count),
      'client cores': clientCores,
      slowest: Math.max(...tally.latenciesMs),
      ...(flooders > 0 && {
        closed: closedAfterMs.length,
        'closed after': Math.max(...closedAfterMs) / 1000,
      }),
    }
  } finally {
    for (const { line } of clients) line.close()
    await gateway.stop()
  }
}
