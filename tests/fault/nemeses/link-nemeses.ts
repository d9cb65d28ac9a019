import type { TcpProxy } from '../../environment/servers/tcp-proxy.ts'
import type { ClusterUnderTest } from '../system/cluster-under-test.ts'
import type { Link } from '../system/system-under-test.ts'
import type { Random } from '../random.ts'
import type { Nemesis, Strike } from './run-nemeses.ts'

const LATENCY_MS = 200
const JITTER_MS = 200
const NARROW_BYTES_PER_SECOND = 8192
const HOLD_MS = { low: 1000, high: 15_000 }

interface Damage {
  kind: string
  begin: (proxy: TcpProxy) => Promise<void>
}

/** What can become of one link; each ends with `restore` and a line at full speed. */
const DAMAGES: Damage[] = [
  { kind: 'link-refuse', begin: (proxy) => proxy.cut('refuse') },
  { kind: 'link-reset', begin: (proxy) => proxy.cut('reset') },
  { kind: 'link-cut', begin: (proxy) => proxy.cut('stall') },
  { kind: 'link-cut-up', begin: (proxy) => proxy.cut('stall', 'up') },
  { kind: 'link-cut-down', begin: (proxy) => proxy.cut('stall', 'down') },
  { kind: 'link-blackhole', begin: (proxy) => proxy.cut('blackhole') },
  {
    kind: 'link-half-open',
    begin: async (proxy) => proxy.freeze(),
  },
  { kind: 'link-slow', begin: async (proxy) => proxy.setLatency(LATENCY_MS, JITTER_MS) },
  {
    kind: 'link-narrow',
    begin: async (proxy) => proxy.setBandwidth(NARROW_BYTES_PER_SECOND),
  },
]

export function createLinkNemeses(links: readonly Link[]): Nemesis[] {
  return DAMAGES.map(({ kind, begin }) => ({
    kind,
    plan(random) {
      // By kind first: there are more links of some kinds than of others.
      const wanted = random.pick([...new Set(links.map((link) => link.kind))])
      const link = random.pick(links.filter((one) => one.kind === wanted))
      return {
        target: link.name,
        holds: [link.name],
        holdMs: random.between(HOLD_MS.low, HOLD_MS.high),
        begin: () => begin(link.proxy),
        end: () => restore([link]),
      }
    },
  }))
}

/** The store as all the processes see it at once. */
export function createStoreNemeses({ links, mongo }: ClusterUnderTest): Nemesis[] {
  const ways = links.filter(({ kind }) => kind.endsWith('-store'))
  const onAll =
    (kind: string, begin: Damage['begin']) =>
    (random: Random): Strike => ({
      target: 'store',
      holds: ['store', ...ways.map(({ name }) => name)],
      holdMs: random.between(1000, kind === 'store-slow' ? 12_000 : 8000),
      async begin() {
        await Promise.all(ways.map(({ proxy }) => begin(proxy)))
      },
      end: () => restore(ways),
    })
  return [
    { kind: 'store-pause', ...pauseStore(mongo) },
    { kind: 'store-cut', plan: onAll('store-cut', (proxy) => proxy.cut('blackhole')) },
    { kind: 'store-refuse', plan: onAll('store-refuse', (proxy) => proxy.cut('refuse')) },
    {
      kind: 'store-slow',
      plan: onAll('store-slow', async (proxy) => proxy.setLatency(LATENCY_MS, JITTER_MS)),
    },
  ]
}

function pauseStore(mongo: ClusterUnderTest['mongo']): Omit<Nemesis, 'kind'> {
  const skipped = mongo.pid === undefined ? { skipped: 'the store is no process of ours' } : {}
  return {
    ...skipped,
    plan: (random) => ({
      target: 'store',
      holds: ['store'],
      holdMs: random.between(1000, 10_000),
      begin: async () => mongo.kill('SIGSTOP'),
      end: async () => mongo.kill('SIGCONT'),
    }),
  }
}

async function restore(links: readonly Link[]): Promise<void> {
  for (const { proxy } of links) {
    proxy.setLatency(0)
    proxy.setBandwidth(undefined)
    await proxy.restore()
  }
}
