import type { TcpProxy } from '../../environment/servers/tcp-proxy.ts'
import type { ClusterUnderTest } from '../system/cluster-under-test.ts'
import type { Link } from '../system/system-under-test.ts'
import type { Nemesis } from './run-nemeses.ts'

const LATENCY_MS = 200
const JITTER_MS = 200
const NARROW_BYTES_PER_SECOND = 8192
const HOLD_MS = { low: 1000, high: 15_000 }
const STORE_HOLD_MS = { low: 1000, high: 8000, slow: 12_000, paused: 10_000 }

type Damage = (proxy: TcpProxy) => Promise<void>

const beSlow: Damage = async (proxy) => proxy.setLatency(LATENCY_MS, JITTER_MS)

/** The faults of a link. Each ends with `restore` and a link at full speed. */
const DAMAGES: Record<string, Damage> = {
  'link-refuse': (proxy) => proxy.cut('refuse'),
  'link-reset': (proxy) => proxy.cut('reset'),
  'link-cut': (proxy) => proxy.cut('stall'),
  'link-cut-up': (proxy) => proxy.cut('stall', 'up'),
  'link-cut-down': (proxy) => proxy.cut('stall', 'down'),
  'link-blackhole': (proxy) => proxy.cut('blackhole'),
  'link-half-open': async (proxy) => proxy.freeze(),
  'link-slow': beSlow,
  'link-narrow': async (proxy) => proxy.setBandwidth(NARROW_BYTES_PER_SECOND),
}

export function createLinkNemeses(links: readonly Link[]): Nemesis[] {
  return Object.entries(DAMAGES).map(([kind, damage]) => ({
    kind,
    plan(random) {
      // Choose by kind first, because some kinds have more links than others.
      const wanted = random.pick([...new Set(links.map((link) => link.kind))])
      const link = random.pick(links.filter((one) => one.kind === wanted))
      return {
        target: link.name,
        holds: [link.name],
        holdMs: random.between(HOLD_MS.low, HOLD_MS.high),
        begin: () => damage(link.proxy),
        end: () => restore([link]),
      }
    },
  }))
}

/** The store as all processes see it at once. */
export function createStoreNemeses({ links, mongo }: ClusterUnderTest): Nemesis[] {
  const ways = links.filter(({ kind }) => kind.endsWith('-store'))
  const { low, high, slow, paused } = STORE_HOLD_MS
  const onAll = (kind: string, mostMs: number, damage: Damage): Nemesis => ({
    kind,
    plan: (random) => ({
      target: 'store',
      holds: ['store', ...ways.map(({ name }) => name)],
      holdMs: random.between(low, mostMs),
      begin: () => Promise.all(ways.map(({ proxy }) => damage(proxy))),
      end: () => restore(ways),
    }),
  })
  return [
    {
      kind: 'store-pause',
      ...(mongo.pid === undefined && { skipped: 'the store is no process of ours' }),
      plan: (random) => ({
        target: 'store',
        holds: ['store'],
        holdMs: random.between(low, paused),
        begin: async () => mongo.kill('SIGSTOP'),
        end: async () => mongo.kill('SIGCONT'),
      }),
    },
    onAll('store-cut', high, (proxy) => proxy.cut('blackhole')),
    onAll('store-refuse', high, (proxy) => proxy.cut('refuse')),
    onAll('store-slow', slow, beSlow),
  ]
}

async function restore(links: readonly Link[]): Promise<void> {
  for (const { proxy } of links) {
    proxy.setLatency(0)
    proxy.setBandwidth(undefined)
    await proxy.restore()
  }
}
