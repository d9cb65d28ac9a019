import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message, ReplyDelta, ReplyStart, Session } from '@chatbox/contract'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import { measuredAlone, type Comparison, type Profile, type Sample } from '../compare/comparison.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { percentile } from '../figures.ts'
import { Line } from '../load/line.ts'
import { waitUntil } from '../load/pace.ts'
import { socketUrl } from '../load/socket-url.ts'
import { toModelSettings } from '../model-settings.ts'
import { createToken } from '../token.ts'

interface Size {
  streams: number
  tokens: number
  killAfterMs: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { streams: 4, tokens: 60, killAfterMs: 400 },
  quick: { streams: 4, tokens: 240, killAfterMs: 2000 },
  full: { streams: 40, tokens: 300, killAfterMs: 3000 },
}
const TOKENS_PER_SECOND = 60
const DONE_TIMEOUT_MS = 60_000

/** One of two workers ends without a word while it writes. */
export async function openWorkerKill(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  return {
    name: 'worker-kill',
    title: 'A worker is killed in the middle of its replies',
    load: `${size.streams} replies at once over two workers, one of which gets SIGKILL; from then until the first text of the next attempt.`,
    baseline: 'ours',
    entrants: [
      {
        name: 'ours',
        what: 'The product. BullMQ with its default settings takes about 59 s to notice',
        open: measuredAlone(() => measureKill(backEnds, size)),
      },
    ],
    metrics: [
      { name: 'taken over', unit: 'count' },
      { name: 'take-over p50', unit: 's' },
      { name: 'take-over p99', unit: 's' },
    ],
    targets: [
      {
        ...{ text: 'Worker killed to the answer going on, p99, s', metric: 'take-over p99' },
        ...{ entrant: 'ours', kind: 'value', reach: 8 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

/** What a viewer has of one reply. */
interface Watched {
  line: Line
  sessionId: string
  attempt: number
  text: string
  goneOnAt: number
  final: string | undefined
}

async function measureKill(backEnds: BenchBackEnds, size: Size): Promise<Sample> {
  const model = await startContestant('model-server-main.ts', {
    env: {
      TOKENS: String(size.tokens),
      TOKENS_PER_SECOND: String(TOKENS_PER_SECOND),
    },
  })
  const env = { ...backEnds.env, ...toModelSettings(model) }
  const [gateway, doomed, other] = await Promise.all([
    startOurs('gateway', { env }),
    startOurs('worker', { env, name: 'worker-1' }),
    startOurs('worker', { env, name: 'worker-2' }),
  ])
  const watched = await Promise.all(
    Array.from({ length: size.streams }, () => watch(gateway, backEnds.secret)),
  )
  try {
    await Promise.all(watched.map(ask))
    await sleep(size.killAfterMs)
    await doomed.kill()
    const killedAt = performance.now()
    await waitUntil(() => watched.every(({ final }) => final !== undefined), DONE_TIMEOUT_MS)
    return toSample(watched, killedAt)
  } finally {
    for (const { line } of watched) line.close()
    await Promise.all([gateway.stop(), other.stop(), model.stop()])
  }
}

function toSample(watched: readonly Watched[], killedAt: number): Sample {
  const takeOvers = watched
    .filter(({ attempt }) => attempt > 1)
    .map(({ goneOnAt }) => (goneOnAt - killedAt) / 1000)
  const finals = watched.filter(({ final }) => final !== undefined)
  return {
    sent: watched.length,
    delivered: finals.length,
    lost: watched.length - finals.length,
    // What was shown and what is in the log in the end are one text.
    misordered: finals.filter(({ text, final }) => text !== final).length,
    'taken over': takeOvers.length,
    'take-over p50': percentile(takeOvers, 0.5),
    'take-over p99': percentile(takeOvers, 0.99),
  }
}

async function watch(gateway: ServiceProcess, secret: string): Promise<Watched> {
  const state = { attempt: 0, text: '', goneOnAt: Number.NaN, final: undefined }
  const watched: Omit<Watched, 'line' | 'sessionId'> = state
  const line = await Line.open({
    url: socketUrl(gateway, 'engine.io'),
    dialect: 'engine.io',
    token: createToken(`bench-${randomBytes(8).toString('hex')}`, secret),
    onEvent: (event, text) => onEvent(watched, event, JSON.parse(text)),
  })
  const { session } = await line.prepare<{ session: Session }>('session:open', {})
  return Object.assign(watched, { line, sessionId: session.id })
}

function onEvent(
  watched: Omit<Watched, 'line' | 'sessionId'>,
  event: string,
  payload: unknown,
): void {
  if (event === 'reply:start') {
    const { attempt } = payload as ReplyStart
    if (attempt > watched.attempt)
      Object.assign(watched, { attempt, text: '', goneOnAt: Number.NaN })
  } else if (event === 'reply:delta') {
    const { attempt, text } = payload as ReplyDelta
    if (attempt !== watched.attempt) return
    if (Number.isNaN(watched.goneOnAt)) watched.goneOnAt = performance.now()
    watched.text += text
  } else if (event === 'message:new') {
    const { message } = payload as { message: Message }
    if (message.replyTo !== undefined) watched.final = message.content
  }
}

async function ask({ line, sessionId }: Watched): Promise<void> {
  const question = { sessionId, clientMessageId: randomUUID(), content: 'Count.' }
  await line.request('message:send', question)
}
