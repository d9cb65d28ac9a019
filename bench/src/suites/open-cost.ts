import type { Session } from '@chatbox/contract'
import { fileURLToPath } from 'node:url'
import { startService, type Service } from '../../../scripts/servers/processes.ts'
import type { Metric, Sample } from '../compare/comparison.ts'
import { startOurs } from '../contestants/start-contestant.ts'
import { Line } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { Tally } from '../load/tally.ts'
import { startCpuMeter, type Pids } from '../measure/cpu.ts'
import { createToken } from '../token.ts'

const SEED_TIMEOUT_MS = 480_000
const ARRIVAL_MS = 10_000
/** Seconds of the same load, not counted; never more of it than what is. */
const WARM_UP_S = 2

export const OPEN_METRICS: Metric[] = [
  { name: 'cpu', unit: 'us', compared: true },
  { name: 'cpu gateway', unit: 'us' },
  { name: 'cpu store', unit: 'us' },
  { name: 'latency p50', unit: 'ms', compared: true },
  { name: 'latency p99', unit: 'ms' },
]

/** Fills a database of the store; see the program that does it for what can be asked for. */
export async function seed(
  env: Record<string, string>,
  what: Record<string, string>,
): Promise<void> {
  const entry = fileURLToPath(new URL('../contestants/ours/seed-main.ts', import.meta.url))
  const seeding = await startService('gateway', {
    ...{ env: { ...env, ...what }, name: 'seed', entry, readyTimeoutMs: SEED_TIMEOUT_MS },
  })
  await seeding.stop()
}

export interface Place {
  /** What serves: a gateway of a cluster, or all in one. */
  service: Service
  secret: string
  pids: Pids
}

interface Opening {
  place: Place
  env: Record<string, string>
  /** Each opens the session that they have. */
  users: string[]
  perSecond: number
  opens: number
}

/** What it costs to open a session, again and again, over one gateway. */
export async function measureOpens(opening: Opening): Promise<Sample> {
  const { place, env, users, opens } = opening
  const gateway = await startOurs(place.service, { env })
  const viewers = await Promise.all(users.map((user) => openViewer(gateway, user, place.secret)))
  try {
    await openAll(viewers, { ...opening, opens: Math.min(opens, WARM_UP_S * opening.perSecond) })
    const stop = await startCpuMeter({ gateway: gateway.pid, ...place.pids })
    const tally = await openAll(viewers, opening)
    const { byPart, clientCores } = await stop()
    const per = (...parts: string[]): number =>
      parts.reduce((sum, part) => sum + (byPart[part] ?? 0), 0) / opens
    return {
      ...tally.toSample(),
      cpu: per('gateway', 'store', 'redis'),
      'cpu gateway': per('gateway'),
      'cpu store': per('store'),
      'client cores': clientCores,
    }
  } finally {
    for (const { line } of viewers) line.close()
    await gateway.stop()
  }
}

interface Viewer {
  line: Line
  sessionId: string
}

/** One who has opened the session that was put into the store for them. */
async function openViewer(
  gateway: { port: number },
  user: string,
  secret: string,
): Promise<Viewer> {
  const line = await Line.open({
    url: socketUrl(gateway, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(user, secret),
  })
  const { session } = await line.prepare<{ session: Session }>('session:open', {})
  if (!session.id.startsWith(`session-of-${user}`)) throw new Error(`${user} has no seeded session`)
  return { line, sessionId: session.id }
}

async function openAll(
  viewers: readonly Viewer[],
  { perSecond, opens }: Pick<Opening, 'perSecond' | 'opens'>,
): Promise<Tally> {
  const tally = new Tally()
  let answered = 0
  await pace(perSecond, opens, (index, dueAt) => {
    const viewer = viewers[index % viewers.length]
    if (!viewer) return
    const { line, sessionId } = viewer
    tally.sent += 1
    line
      .request<{ session: Session }>('session:open', { sessionId })
      .then(({ session }) => {
        if (session.id === sessionId) tally.delivered += 1
        tally.latenciesMs.push(performance.now() - dueAt)
      })
      .catch(() => undefined)
      .finally(() => {
        answered += 1
      })
  })
  await waitUntil(() => answered === opens, ARRIVAL_MS)
  return tally
}
