import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ServiceProcess } from '../../../scripts/servers/processes.ts'
import { startBackEnds, type BenchBackEnds } from '../bench-cluster.ts'
import type { Comparison, Entrant, Profile, Sample } from '../compare/comparison.ts'
import { startContestant, startOurs } from '../contestants/start-contestant.ts'
import { openChatAsker, openSseAsker, type Asker } from '../load/ask-stream.ts'
import { toStreamSample, type TokenStream } from '../load/token-stream.ts'
import { toModelSettings } from '../model-settings.ts'
import { OTHER_CORE, pin, startCpuMeter, type Pids } from '../measure/cpu.ts'

interface Size {
  streams: number
  tokens: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { streams: 2, tokens: 12 },
  quick: { streams: 20, tokens: 120 },
  full: { streams: 100, tokens: 360 },
}
const TOKENS_PER_SECOND = 60
const WARM_UP_STREAMS = 20

interface Running {
  askers: Asker[]
  pids: Pids
  stop: () => Promise<void>
}

/** Replies that are written at 60 tokens a second each, from the model's socket to the browser's. */
export async function openTokens(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const backEnds = await startBackEnds()
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    measure: () => measureStreams(size, start),
  })
  const ours =
    (without?: string): Start =>
    (model, streams) =>
      startOurStreams({ backEnds, model, without }, streams)
  return {
    name: 'tokens',
    title: 'Token stream',
    load: `${size.streams} replies at once, ${TOKENS_PER_SECOND} tokens a second each, ${size.tokens} tokens a reply; whole replies, from the question to the end. The model server is not counted.`,
    baseline: 'direct sse',
    nullEntrant: 'direct sse again',
    entrants: [
      entrant(
        'direct sse',
        'A web server that asks the model itself and writes each token as a server-sent event',
        startSse,
      ),
      entrant('direct sse again', 'The same once more: the resolution', startSse),
      entrant('ours', 'The product: worker, Redis, gateway', ours()),
      entrant(
        'ours -draft',
        'Without the draft that others can join and that fences late writers',
        ours('draft'),
      ),
      entrant('ours -coalescing', 'Each token as a frame of its own', ours('coalescing')),
    ],
    metrics: [
      { name: 'cpu', unit: 'us', compared: true },
      { name: 'cpu with store', unit: 'us', compared: true },
      { name: 'cpu worker', unit: 'us' },
      { name: 'cpu gateway', unit: 'us' },
      { name: 'cpu redis', unit: 'us' },
      { name: 'first token p50', unit: 'ms' },
      { name: 'first token p99', unit: 'ms' },
      { name: 'frame gap p99', unit: 'ms' },
      { name: 'frames', unit: 'count' },
    ],
    targets: [
      {
        ...{
          text: 'CPU for a token (worker, Redis, gateway), ours over direct SSE',
          metric: 'cpu',
        },
        ...{ entrant: 'ours', over: 'direct sse', kind: 'ratio', reach: 1.6 },
      },
      {
        ...{ text: 'First token, added over direct SSE, p50, ms', metric: 'first token p50' },
        ...{ entrant: 'ours', over: 'direct sse', kind: 'added', reach: 5 },
      },
    ],
    close: () => backEnds.stop(),
  }
}

type Start = (model: ServiceProcess, streams: number) => Promise<Running>

async function startSse(model: ServiceProcess, streams: number): Promise<Running> {
  const server = await startContestant('direct-sse-main.ts', {
    env: { MODEL_URL: `${model.url}/v1` },
  })
  return {
    askers: Array.from({ length: streams }, () => openSseAsker(server)),
    pids: { gateway: server.pid },
    stop: async () => {
      await server.stop()
    },
  }
}

interface Place {
  backEnds: BenchBackEnds
  model: ServiceProcess
  without: string | undefined
}

async function startOurStreams(
  { backEnds, model, without }: Place,
  streams: number,
): Promise<Running> {
  const env = {
    ...backEnds.env,
    ...(without === undefined ? {} : { BENCH_WITHOUT: without }),
    ...toModelSettings(model),
  }
  const [gateway, worker] = await Promise.all([
    startOurs('gateway', { env }),
    startOurs('worker', { env }),
  ])
  const round = randomBytes(4).toString('hex')
  const askers = await Promise.all(
    Array.from({ length: streams }, (_, index) =>
      openChatAsker(gateway, `bench-${round}-${index}`, backEnds.secret),
    ),
  )
  return {
    askers,
    pids: { gateway: gateway.pid, worker: worker.pid, ...backEnds.pids },
    async stop() {
      await Promise.all([gateway.stop(), worker.stop()])
    },
  }
}

async function measureStreams({ streams, tokens }: Size, start: Start): Promise<Sample> {
  const model = await startContestant('model-server-main.ts', {
    env: {
      TOKENS: String(tokens),
      TOKENS_PER_SECOND: String(TOKENS_PER_SECOND),
      WARM_UP_REPLIES: String(Math.min(streams, WARM_UP_STREAMS)),
    },
  })
  await pin(model.pid, OTHER_CORE)
  const { askers, pids, stop } = await start(model, streams)
  try {
    await askAll(askers.slice(0, WARM_UP_STREAMS))
    const stopMeter = await startCpuMeter(pids)
    const seen = await askAll(askers)
    const { byPart, clientCores } = await stopMeter()
    const per = (...parts: string[]): number =>
      parts.reduce((sum, part) => sum + (byPart[part] ?? 0), 0) / (streams * tokens)
    return {
      ...toStreamSample(seen, tokens),
      cpu: per('gateway', 'worker', 'redis'),
      'cpu with store': per('gateway', 'worker', 'redis', 'store'),
      'cpu gateway': per('gateway'),
      ...(pids.worker === undefined
        ? {}
        : { 'cpu worker': per('worker'), 'cpu redis': per('redis') }),
      'client cores': clientCores,
    }
  } finally {
    for (const asker of askers) asker.close()
    await stop()
    await model.stop()
  }
}

/** Begun one after the other within a second, as users do: in step they would all come at once. */
async function askAll(askers: readonly Asker[]): Promise<TokenStream[]> {
  return Promise.all(
    askers.map(async (asker, index) => {
      await sleep((index * 1000) / askers.length)
      return asker.ask()
    }),
  )
}
