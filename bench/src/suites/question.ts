import { randomBytes } from 'node:crypto'
import type { Comparison, Entrant, OpenEntrant, Profile, Sample } from '../compare/comparison.ts'
import { openChatAsker, toStreamSample, type Asker, type TokenStream } from '../load/asker.ts'
import { startCpuMeter, type Pids } from '../measure/cpu.ts'
import {
  createFolder,
  openBackEnds,
  type BenchStore,
  startModel,
  startOurs,
  startStore,
  type Model,
} from '../servers.ts'

interface Size {
  tokens: number
  warmUp: number
  /** Per slice. */
  questions: number
  slices: number
}

const SIZES: Record<Profile, Size> = {
  smoke: { tokens: 20, warmUp: 1, questions: 1, slices: 2 },
  quick: { tokens: 200, warmUp: 2, questions: 2, slices: 2 },
  full: { tokens: 200, warmUp: 10, questions: 3, slices: 6 },
}
const TOKENS_PER_SECOND = 60
const CLUSTER = ['gateway', 'gateway', 'worker', 'worker'] as const

interface Running {
  asker: Asker
  pids: Pids
  stop(): Promise<void>
}

type Start = (model: Model) => Promise<Running>

/** Measures the cost of one question while nothing else happens. */
export async function openQuestion(profile: Profile): Promise<Comparison> {
  const size = SIZES[profile]
  const store = await startStore()
  const entrant = (name: string, what: string, start: Start): Entrant => ({
    ...{ name, what },
    open: () => openAlone(size, start),
  })
  return {
    name: 'question',
    title: 'A question asked alone',
    load: `One user of one session asks and waits for the answer of ${size.tokens} tokens, ${TOKENS_PER_SECOND} a second, again and again. CPU of every process of the product, and of Redis, from the question to the end of the answer. The model server and MongoDB's stand-in are not counted.`,
    baseline: 'standalone',
    nullEntrant: 'standalone again',
    slices: size.slices,
    entrants: [
      entrant('standalone', 'One process with SQLite in it', startStandalone),
      entrant('standalone again', 'The same once more: the resolution', startStandalone),
      entrant('cluster', 'Two gateways, two workers and Redis', (model) =>
        startCluster(store, model),
      ),
    ],
    metrics: [{ name: 'cpu', unit: 'us', compared: true }],
    targets: [
      {
        ...{ text: 'CPU of a question asked alone, cluster over standalone', metric: 'cpu' },
        ...{ entrant: 'cluster', over: 'standalone', kind: 'ratio', reach: 2 },
      },
    ],
    close: () => store.mongo.stop(),
  }
}

async function startStandalone({ settings }: Model): Promise<Running> {
  const folder = await createFolder()
  const server = await startOurs('standalone', { ...folder.env, ...settings })
  return {
    asker: await openChatAsker(server, createUser()),
    pids: { standalone: server.pid },
    async stop() {
      await server.stop()
      await folder.remove()
    },
  }
}

async function startCluster(store: BenchStore, { settings }: Model): Promise<Running> {
  const backEnds = await openBackEnds(store)
  const env = { ...backEnds.env, ...settings }
  const servers = await Promise.all(
    CLUSTER.map((service, index) => startOurs(service, env, `${service}-${index}`)),
  )
  const pids = servers.map(({ name, pid }) => [name, pid] as const)
  return {
    asker: await openChatAsker(servers[0] ?? { port: 0 }, createUser()),
    pids: { ...Object.fromEntries(pids), redis: backEnds.pids.redis },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
      await backEnds.stop()
    },
  }
}

function createUser(): string {
  return `bench-${randomBytes(8).toString('hex')}`
}

async function openAlone(size: Size, start: Start): Promise<OpenEntrant> {
  const model = await startModel(size.tokens, TOKENS_PER_SECOND)
  const running = await start(model)
  await askInTurn(running.asker, size.warmUp)
  return {
    measure: () => measureSlice(running, size),
    async close() {
      running.asker.close()
      await running.stop()
      await model.stop()
    },
  }
}

async function measureSlice({ asker, pids }: Running, size: Size): Promise<Sample> {
  const stop = await startCpuMeter(pids)
  const streams = await askInTurn(asker, size.questions)
  const { per, clientCores } = await stop()
  const { sent, delivered, lost, duplicates, misordered } = toStreamSample(streams, size.tokens)
  return {
    ...{ sent, delivered, lost, duplicates, misordered },
    cpu: per(size.questions),
    'client cores': clientCores,
  } as Sample
}

async function askInTurn(asker: Asker, questions: number): Promise<TokenStream[]> {
  const streams: TokenStream[] = []
  while (streams.length < questions) streams.push(await asker.ask())
  return streams
}
