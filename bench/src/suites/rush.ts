import { randomBytes } from 'node:crypto'
import { toModelSettings } from '../../../tests/environment/cluster.ts'
import type { Comparison, Entrant, OpenEntrant, Profile, Sample } from '../compare/comparison.ts'
import { openChatAsker, toStreamSample, type Asker } from '../load/asker.ts'
import { pace, percentile } from '../load/pace.ts'
import { startCpuMeter, type Pids } from '../measure/cpu.ts'
import {
  createFolder,
  openBackEnds,
  startModel,
  startOurs,
  startStore,
  type BenchStore,
} from '../servers.ts'

interface Size {
  askers: number
  tokens: number
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { askers: 3, tokens: 20, slices: 1 },
  quick: { askers: 50, tokens: 120, slices: 2 },
  full: { askers: 50, tokens: 300, slices: 4 },
}
const TOKENS_PER_SECOND = 60
const CLUSTER = ['gateway', 'worker'] as const

interface Running {
  /** Where users connect. */
  port: number
  pids: Pids
  stop(): Promise<void>
}

type Start = (modelUrl: string) => Promise<Running>

/** Measures how soon answers begin when many people ask at once. */
export async function openRush(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const store = await startStore()
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    open: () => openAskers(size, start),
  })
  const target = (name: string) => ({
    ...{ text: `First token after the question, p99, ${name}, ms`, metric: 'first token p99' },
    ...{ entrant: name, kind: 'value' as const, reach: 300 },
  })
  return {
    name: 'rush',
    title: 'Many ask at once',
    load: `${size.askers} users ask within a second, each with a session of their own, under the default settings. Each answer has ${size.tokens} tokens, ${TOKENS_PER_SECOND} a second. The time to the first token is from the question to its arrival in the browser.`,
    baseline: 'standalone',
    slices: size.slices,
    entrants: [
      entrant('standalone', 'One process with SQLite in it', startStandalone),
      entrant('cluster', 'A gateway, a worker and Redis', (url) => startCluster(store, url)),
    ],
    metrics: [
      { name: 'first token p50', unit: 'ms' },
      { name: 'first token p99', unit: 'ms' },
      { name: 'cpu', unit: 'us' },
    ],
    targets: [target('standalone'), target('cluster')],
    close: () => store.mongo.stop(),
  }
}

async function startStandalone(modelUrl: string): Promise<Running> {
  const folder = await createFolder()
  const server = await startOurs('standalone', { ...folder.env, ...toModelSettings(modelUrl) })
  return {
    port: server.port,
    pids: { standalone: server.pid },
    async stop() {
      await server.stop()
      await folder.remove()
    },
  }
}

async function startCluster(store: BenchStore, modelUrl: string): Promise<Running> {
  const backEnds = await openBackEnds(store)
  const env = { ...backEnds.env, ...toModelSettings(modelUrl) }
  const [gateway, worker] = await Promise.all(CLUSTER.map((service) => startOurs(service, env)))
  if (!gateway || !worker) throw new Error('a cluster has a gateway and a worker')
  return {
    port: gateway.port,
    pids: { gateway: gateway.pid, worker: worker.pid, redis: backEnds.pids.redis },
    async stop() {
      await Promise.all([gateway.stop(), worker.stop()])
      await backEnds.stop()
    },
  }
}

async function openAskers(size: Size, start: Start): Promise<OpenEntrant> {
  const model = await startModel(size.tokens, TOKENS_PER_SECOND)
  const running = await start(model.url)
  const round = randomBytes(4).toString('hex')
  const askers = await Promise.all(
    Array.from({ length: size.askers }, (_, index) =>
      openChatAsker(running, `bench-${round}-${index}`),
    ),
  )
  await askWithinASecond(askers)
  return {
    measure: () => measureSlice(askers, running, size),
    async close() {
      for (const asker of askers) asker.close()
      await running.stop()
      await model.stop()
    },
  }
}

async function measureSlice(askers: Asker[], { pids }: Running, size: Size): Promise<Sample> {
  const stop = await startCpuMeter(pids)
  const answers = await askWithinASecond(askers)
  const { per, clientCores } = await stop()
  const firstMs = answers.map(({ firstMs }) => firstMs)
  return {
    ...toStreamSample(
      answers.map(({ stream }) => stream),
      size.tokens,
    ),
    'first token p50': percentile(firstMs, 0.5),
    'first token p99': percentile(firstMs, 0.99),
    cpu: per(askers.length * size.tokens),
    'client cores': clientCores,
  }
}

async function askWithinASecond(askers: Asker[]) {
  const answers: Promise<{ stream: Awaited<ReturnType<Asker['ask']>>; firstMs: number }>[] = []
  await pace({ perSecond: askers.length, count: askers.length }, (index, dueAt) => {
    const asker = askers[index]
    if (!asker) return
    answers.push(asker.ask().then((stream) => ({ stream, firstMs: stream.firstAt - dueAt })))
  })
  return Promise.all(answers)
}
