import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  Entrant,
  Metric,
  OpenEntrant,
  OpenComparison,
  Profile,
  Sample,
} from '../compare/comparison.ts'
import {
  openChatAsker,
  openSseAsker,
  toStreamSample,
  type Asker,
  type TokenStream,
} from '../load/asker.ts'
import { percentile, waitUntil } from '../load/pace.ts'
import { startCpuMeter, type Pids } from '../measure/cpu.ts'
import {
  openBackEnds,
  startContestant,
  startModel,
  startOurs,
  startStore,
  type BenchBackEnds,
  type BenchStore,
  type Model,
} from '../servers.ts'

interface Size {
  streams: number
  tokens: number
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { streams: 2, tokens: 120, slices: 1 },
  quick: { streams: 20, tokens: 120, slices: 2 },
  full: { streams: 100, tokens: 600, slices: 2 },
}
const LONE_SIZES: Record<Profile, Size> = {
  smoke: { streams: 1, tokens: 120, slices: 1 },
  quick: { streams: 1, tokens: 300, slices: 2 },
  full: { streams: 1, tokens: 600, slices: 4 },
}
const TOKENS_PER_SECOND = 60
/**
 * The share of a reply's time over which the questions are spread. Users do not ask in step: a
 * worker with a hundred replies in progress gets about a hundred questions in the time of one
 * reply.
 */
const SPREAD_SHARE = 0.4
const BEGIN_TIMEOUT_MS = 60_000
/** The share of the time in which all replies stream. The first ones end after it. */
const STEADY_SHARE = 0.8

const METRICS: Metric[] = [
  { name: 'cpu', unit: 'us', compared: true },
  { name: 'cpu whole', unit: 'us', compared: true },
  { name: 'cpu whole with store', unit: 'us', compared: true },
  { name: 'cpu worker', unit: 'us' },
  { name: 'cpu gateway', unit: 'us' },
  { name: 'cpu redis', unit: 'us' },
  { name: 'first token p50', unit: 'ms' },
  { name: 'first token p99', unit: 'ms' },
  { name: 'token delay p50', unit: 'ms' },
  { name: 'token delay p99', unit: 'ms' },
  { name: 'frame gap p99', unit: 'ms' },
  { name: 'frames', unit: 'count' },
]

interface Running {
  askers: Asker[]
  pids: Pids
  stop: () => Promise<unknown>
}

/** Measures replies at 60 tokens a second each, from the model's socket to the browser's. */
export const openTokens: OpenComparison = async (profile, env) => {
  const size = SIZES[profile]
  const store = await startStore(env)
  const entrant = createEntrants(store, size)
  const ours =
    (without?: string): Start =>
    (place) =>
      startOurStreams(place, without)
  return {
    name: 'tokens',
    title: 'Token stream',
    load: `${size.streams} replies at once, ${TOKENS_PER_SECOND} tokens a second each, ${size.tokens} tokens a reply, asked for over ${SPREAD_SHARE * 100} % of the time of one. CPU while all of them stream, and of whole replies, from the question to the end. The model server is not counted.`,
    baseline: 'direct sse',
    slices: size.slices,
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
    metrics: METRICS,
    targets: [
      {
        ...{
          text: 'CPU for a token of a running stream (worker, Redis, gateway), ours over direct SSE',
          metric: 'cpu',
        },
        ...{ entrant: 'ours', over: 'direct sse', kind: 'ratio', reach: 1.6 },
      },
      {
        ...{ text: 'First token, added over direct SSE, p50, ms', metric: 'first token p50' },
        ...{ entrant: 'ours', over: 'direct sse', kind: 'added', reach: 5 },
      },
    ],
    close: () => store.mongo.stop(),
  }
}

/** Measures how late the tokens of the only reply are. */
export const openLoneStream: OpenComparison = async (profile, env) => {
  const size = LONE_SIZES[profile]
  const store = await startStore(env)
  const entrant = createEntrants(store, size)
  return {
    name: 'lone-stream',
    title: 'The only stream',
    load: `One reply of ${size.tokens} tokens, ${TOKENS_PER_SECOND} a second, while nothing else happens. A token's delay is from the time at which the model writes it to its arrival in the browser.`,
    baseline: 'direct sse',
    slices: size.slices,
    entrants: [
      entrant('direct sse', 'A web server that asks the model itself', startSse),
      entrant('ours', 'The product: worker, Redis, gateway', (place) =>
        startOurStreams(place, undefined),
      ),
    ],
    metrics: METRICS,
    targets: [
      {
        ...{ text: 'Delay of a token, p50, ms', metric: 'token delay p50' },
        ...{ entrant: 'ours', kind: 'value', reach: 20 },
      },
    ],
    close: () => store.mongo.stop(),
  }
}

function createEntrants(store: BenchStore, size: Size) {
  return (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    open: () => openStreams(store, size, start),
  })
}

interface Place {
  backEnds: BenchBackEnds
  model: Model
  streams: number
}

type Start = (place: Place) => Promise<Running>

async function startSse({ model, streams }: Place): Promise<Running> {
  const server = await startContestant('direct-sse-main.ts', { MODEL_URL: `${model.url}/v1` })
  return {
    askers: Array.from({ length: streams }, () => openSseAsker(server)),
    pids: { gateway: server.pid },
    stop: () => server.stop(),
  }
}

async function startOurStreams(
  { backEnds, model, streams }: Place,
  without: string | undefined,
): Promise<Running> {
  const parts = without === undefined ? {} : { BENCH_WITHOUT: without }
  const env = { ...backEnds.env, ...parts, ...model.settings }
  const [gateway, worker] = await Promise.all([startOurs('gateway', env), startOurs('worker', env)])
  const round = randomBytes(4).toString('hex')
  const askers = await Promise.all(
    Array.from({ length: streams }, (_, index) =>
      openChatAsker(gateway, `bench-${round}-${index}`),
    ),
  )
  return {
    askers,
    pids: { gateway: gateway.pid, worker: worker.pid, ...backEnds.pids },
    stop: () => Promise.all([gateway.stop(), worker.stop()]),
  }
}

async function openStreams(
  store: BenchStore,
  { streams, tokens }: Size,
  start: Start,
): Promise<OpenEntrant> {
  const backEnds = await openBackEnds(store)
  const model = await startModel(tokens, TOKENS_PER_SECOND)
  const running = await start({ backEnds, model, streams })
  // A worker runs for days, so its code is compiled.
  await askAll(running.askers, tokens)
  return {
    measure: () => measureSlice(running, tokens),
    async close() {
      for (const asker of running.askers) asker.close()
      await running.stop()
      await Promise.all([model.stop(), backEnds.stop()])
    },
  }
}

async function measureSlice({ askers, pids }: Running, tokens: number): Promise<Sample> {
  const stopMeter = await startCpuMeter(pids)
  const streaming = measureStreaming(askers, { tokens, pids })
  const seen = await askAll(askers, tokens)
  const { per, clientCores } = await stopMeter()
  const whole = askers.length * tokens
  const stream = await streaming
  return {
    ...toStreamSample(seen, tokens),
    ...toDelays(seen),
    cpu: stream('gateway', 'worker', 'redis'),
    'cpu whole': per(whole, 'gateway', 'worker', 'redis'),
    'cpu whole with store': per(whole),
    'cpu gateway': stream('gateway'),
    ...(pids.worker === undefined
      ? {}
      : { 'cpu worker': stream('worker'), 'cpu redis': stream('redis') }),
    'client cores': clientCores,
  }
}

function toDelays(streams: readonly TokenStream[]): Record<string, number> {
  const delays = streams.flatMap((stream) => stream.tokenDelaysMs(1000 / TOKENS_PER_SECOND))
  return {
    'token delay p50': percentile(delays, 0.5),
    'token delay p99': percentile(delays, 0.99),
  }
}

type PerToken = (...parts: string[]) => number

/** Measures the cost of tokens while all replies stream, without the start or end of any reply. */
async function measureStreaming(
  askers: readonly Asker[],
  { tokens, pids }: { tokens: number; pids: Pids },
): Promise<PerToken> {
  // The streams of the warm-up remain until each asker has asked again.
  const old = new Set(askers.map((asker) => asker.stream()))
  const hasBegun = (asker: Asker) => !old.has(asker.stream()) && asker.stream().frames > 0
  if (!(await waitUntil(() => askers.every(hasBegun), BEGIN_TIMEOUT_MS))) {
    throw new Error('not every reply has begun')
  }
  const stopMeter = await startCpuMeter(pids)
  const before = countTokens(askers)
  await sleep(STEADY_SHARE * (1 - SPREAD_SHARE) * toReplyMs(tokens))
  const { per } = await stopMeter()
  const tokensSeen = countTokens(askers) - before
  return (...parts) => per(tokensSeen, ...parts)
}

function countTokens(askers: readonly Asker[]): number {
  return askers.reduce((sum, asker) => sum + asker.stream().countTokens().delivered, 0)
}

/** Returns how long the model takes for a reply with this many tokens. */
function toReplyMs(tokens: number): number {
  return (tokens * 1000) / TOKENS_PER_SECOND
}

async function askAll(askers: readonly Asker[], tokens: number): Promise<TokenStream[]> {
  const spreadMs = SPREAD_SHARE * toReplyMs(tokens)
  return Promise.all(
    askers.map(async (asker, index) => {
      await sleep((index * spreadMs) / askers.length)
      return asker.ask()
    }),
  )
}
