import { randomBytes, randomUUID } from 'node:crypto'
import type { Message, ReplyStart } from '@chatbox/contract'
import type { WireClient } from '../../../tests/environment/wire-client.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { pace, percentile, Tally, waitUntil, type Rate } from '../load/pace.ts'
import { openUser } from '../load/user.ts'
import { openBackEnds, startModel, startOurs, type BenchBackEnds } from '../servers.ts'

interface Size {
  users: number
  slow: Rate
  fast: Rate
}

const SIZES: Record<Profile, Size> = {
  smoke: {
    users: 3,
    slow: { perSecond: 10, count: 6 },
    fast: { perSecond: 20, count: 6 },
  },
  quick: {
    users: 10,
    slow: { perSecond: 4, count: 12 },
    fast: { perSecond: 10, count: 30 },
  },
  full: {
    users: 60,
    slow: { perSecond: 5, count: 50 },
    fast: { perSecond: 30, count: 300 },
  },
}
const ARRIVAL_MS = 20_000
const TOKENS = 3
const TOKENS_PER_SECOND = 60

/** Measures from a question until a worker has claimed it. */
export async function openPickUp(profile: Profile): Promise<Comparison> {
  const { users, slow, fast } = SIZES[profile]
  const backEnds = await openBackEnds()
  const entrant = (name: string, what: string, rate: Rate) => ({
    ...{ name, what },
    open: measuredAlone(() => measurePickUp(backEnds, users, rate)),
  })
  return {
    name: 'pick-up',
    title: 'Job pick-up',
    load: `Questions of ${users} users through one gateway to one worker, each counted from when it was due: until its acknowledgement, until \`reply:start\` says that a worker has it, until the finished reply of ${TOKENS} tokens at ${TOKENS_PER_SECOND} a second.`,
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

interface Asking {
  line: WireClient
  sessionId: string
  /** When the current question was due. */
  dueAt: number
}

class PickUps extends Tally {
  readonly ackedMs: number[] = []
  readonly startedMs: number[] = []
}

async function measurePickUp(backEnds: BenchBackEnds, users: number, rate: Rate): Promise<Sample> {
  const model = await startModel(TOKENS, TOKENS_PER_SECOND)
  const env = { ...backEnds.env, ...model.settings }
  const servers = await Promise.all([startOurs('gateway', env), startOurs('worker', env)])
  const tally = new PickUps()
  const askers = await Promise.all(
    Array.from({ length: users }, () => openAsker(servers[0], tally)),
  )
  try {
    await askAll(askers, tally, { ...rate, count: Math.ceil(rate.count / 3) })
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
    await Promise.all([...servers, model].map((each) => each.stop()))
  }
}

async function openAsker(gateway: { port: number }, tally: PickUps): Promise<Asking> {
  const asking = { dueAt: Number.NaN }
  const { line, session } = await openUser(gateway, `bench-${randomBytes(8).toString('hex')}`, {
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
  return Object.assign(asking, { line, sessionId: session.id })
}

async function askAll(askers: readonly Asking[], tally: PickUps, rate: Rate): Promise<void> {
  const goal = tally.delivered + rate.count
  await pace(rate, (index, dueAt) => {
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
