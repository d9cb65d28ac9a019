import { randomBytes, randomUUID } from 'node:crypto'
import type { Message, ReplyStart, Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { percentile } from '../load/percentile.ts'
import { Line } from '../load/line.ts'
import { pace, waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { Tally } from '../load/tally.ts'
import { OTHER_CORE, pin } from '../measure/cpu.ts'
import { toModelSettings } from '../model-settings.ts'
import { createToken } from '../token.ts'

interface Size {
  users: number
  slow: { perSecond: number; questions: number }
  fast: { perSecond: number; questions: number }
}

const SIZES: Record<Profile, Size> = {
  smoke: {
    users: 3,
    slow: { perSecond: 10, questions: 6 },
    fast: { perSecond: 20, questions: 6 },
  },
  quick: {
    users: 10,
    slow: { perSecond: 4, questions: 12 },
    fast: { perSecond: 10, questions: 30 },
  },
  full: {
    users: 60,
    slow: { perSecond: 5, questions: 50 },
    fast: { perSecond: 30, questions: 300 },
  },
}
const ARRIVAL_MS = 20_000
const TOKENS = 3

/** From a question to the worker that has taken it up. */
export async function openPickUp(profile: Profile): Promise<Comparison> {
  const { users, slow, fast } = SIZES[profile]
  const backEnds = await startBackEnds()
  const entrant = (name: string, what: string, rate: Rate) => ({
    ...{ name, what },
    open: measuredAlone(() => measurePickUp(backEnds, users, rate)),
  })
  return {
    name: 'pick-up',
    title: 'Job pick-up',
    load: `Questions of ${users} users through one gateway to one worker, each counted from when it was due: until its acknowledgement, until \`reply:start\` says that a worker has it, until the finished reply of ${TOKENS} tokens at 60 a second.`,
    baseline: 'idle',
    entrants: [
      entrant('idle', `${slow.perSecond} questions a second`, slow),
      entrant('busy', `${fast.perSecond} questions a second`, fast),
    ],
    metrics: [
      { name: 'acknowledged p50', unit: 'ms' },
      { name: 'picked up p50', unit: 'ms' },
      { name: 'picked up p99', unit: 'ms' },
      { name: 'latency p50', unit: 'ms' },
      { name: 'latency p99', unit: 'ms' },
    ],
    targets: [],
    close: () => backEnds.stop(),
  }
}

interface Rate {
  perSecond: number
  questions: number
}

interface Asking {
  line: Line
  sessionId: string
  /** When the question that is being answered was due. */
  dueAt: number
}

class PickUps extends Tally {
  readonly ackedMs: number[] = []
  readonly startedMs: number[] = []
}

async function measurePickUp(backEnds: BenchBackEnds, users: number, rate: Rate): Promise<Sample> {
  const model = await startContestant('model-server-main.ts', {
    env: { TOKENS: String(TOKENS), TOKENS_PER_SECOND: '60' },
  })
  await pin(model.pid, OTHER_CORE)
  const env = { ...backEnds.env, ...toModelSettings(model) }
  const [gateway, worker] = await Promise.all([
    startOurs('gateway', { env }),
    startOurs('worker', { env }),
  ])
  const tally = new PickUps()
  const askers = await Promise.all(
    Array.from({ length: users }, () => openAsker(gateway, backEnds.secret, tally)),
  )
  try {
    await askAll(askers, tally, { ...rate, questions: Math.ceil(rate.questions / 3) })
    for (const list of [tally.ackedMs, tally.startedMs, tally.latenciesMs]) list.length = 0
    Object.assign(tally, { sent: 0, delivered: 0 })
    await askAll(askers, tally, rate)
    return {
      ...tally.toSample(),
      'acknowledged p50': percentile(tally.ackedMs, 0.5),
      'picked up p50': percentile(tally.startedMs, 0.5),
      'picked up p99': percentile(tally.startedMs, 0.99),
    }
  } finally {
    for (const { line } of askers) line.close()
    await Promise.all([gateway.stop(), worker.stop(), model.stop()])
  }
}

async function openAsker(gateway: ServiceProcess, secret: string, tally: PickUps): Promise<Asking> {
  const asking = { dueAt: Number.NaN }
  const line = await Line.open({
    url: socketUrl(gateway, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(`bench-${randomBytes(8).toString('hex')}`, secret),
    onEvent(event, text) {
      const ageMs = performance.now() - asking.dueAt
      if (event === 'reply:start' && (JSON.parse(text) as ReplyStart).attempt === 1) {
        tally.startedMs.push(ageMs)
      }
      if (event !== 'message:new') return
      const { message } = JSON.parse(text) as { message: Message }
      if (message.replyTo === undefined) return
      tally.delivered += 1
      tally.latenciesMs.push(ageMs)
    },
  })
  const { session } = await line.prepare<{ session: Session }>('session:open', {})
  return Object.assign(asking, { line, sessionId: session.id })
}

async function askAll(
  askers: readonly Asking[],
  tally: PickUps,
  { perSecond, questions }: Rate,
): Promise<void> {
  const goal = tally.delivered + questions
  await pace(perSecond, questions, (index, dueAt) => {
    const asking = askers[index % askers.length]
    if (!asking) return
    asking.dueAt = dueAt
    tally.sent += 1
    const { line, sessionId } = asking
    const question = { sessionId, clientMessageId: randomUUID(), content: 'Count.' }
    line.request('message:send', question).then(
      () => tally.ackedMs.push(performance.now() - dueAt),
      () => undefined,
    )
  })
  await waitUntil(() => tally.delivered >= goal, ARRIVAL_MS)
}
