import { setTimeout as sleep } from 'node:timers/promises'
import type { KubeApi } from '../kube/api.ts'
import { isReady, type Pod } from '../kube/pods.ts'
import { GATEWAY, METRIC, NAMESPACE, selectorOf } from '../world.ts'

/** One look at the cluster. */
export interface Sample {
  /** Seconds from the start of the timeline. */
  atS: number
  /** Sockets that their owners say are connected. */
  connected: number
  /** What the autoscaler is told: the metric of all pods; undefined while it cannot be read. */
  metric: number | undefined
  /** Pods that the autoscaler wants. */
  wanted: number
  /** Pods that are ready and not going. */
  ready: number
  /** Pods that are being drained. */
  leaving: number
}

/** Something that happened, for the plot. */
export interface Mark {
  atS: number
  text: string
}

export interface Timeline {
  readonly samples: readonly Sample[]
  readonly marks: readonly Mark[]
  mark(text: string): void
  /** Seconds since the start. */
  now(): number
  stop(): void
}

interface MetricList {
  items: { value: string }[]
}
interface Scaled {
  spec: { replicas?: number }
}

const EVERY_MS = 1000

/** Looks once a second until it is stopped. */
export function startTimeline(api: KubeApi, connected: () => number): Timeline {
  const startedAt = performance.now()
  const samples: Sample[] = []
  const marks: Mark[] = []
  const stopping = new AbortController()
  const now = (): number => Math.round((performance.now() - startedAt) / 100) / 10

  async function look(): Promise<void> {
    const [pods, deployment, metric] = await Promise.all([
      readPods(api),
      api.get<Scaled>(`/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${GATEWAY}`),
      readMetric(api),
    ])
    const isLeaving = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined
    samples.push({
      atS: now(),
      connected: connected(),
      metric,
      wanted: deployment.spec.replicas ?? 0,
      ready: pods.filter((pod) => isReady(pod) && !isLeaving(pod)).length,
      leaving: pods.filter(isLeaving).length,
    })
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      // The API may be busy for a moment: a look that fails leaves a gap.
      await look().catch(() => undefined)
      await sleep(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  void run()
  return {
    samples,
    marks,
    now,
    mark: (text) => void marks.push({ atS: now(), text }),
    stop: () => stopping.abort(),
  }
}

async function readPods(api: KubeApi): Promise<Pod[]> {
  const query = `labelSelector=${encodeURIComponent(selectorOf('gateway'))}`
  const list = await api.get<{ items: Pod[] }>(`/api/v1/namespaces/${NAMESPACE}/pods?${query}`)
  return list.items
}

/** As the autoscaler reads it. */
async function readMetric(api: KubeApi): Promise<number | undefined> {
  const pods = `/apis/custom.metrics.k8s.io/v1beta1/namespaces/${NAMESPACE}/pods/*`
  const query = `labelSelector=${encodeURIComponent(selectorOf('gateway'))}`
  const list = await api.get<MetricList>(`${pods}/${METRIC}?${query}`).catch(() => undefined)
  if (!list || list.items.length === 0) return undefined
  return list.items.reduce((sum, { value }) => sum + toNumber(value), 0)
}

/** A quantity such as `1234` or `1500m`. */
function toNumber(quantity: string): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity)
}

/** Each change of the number of pods that are wanted: when, and by how many. */
export function findSteps(
  samples: readonly Pick<Sample, 'atS' | 'wanted'>[],
): { atS: number; by: number }[] {
  return samples.slice(1).flatMap(({ atS, wanted }, index) => {
    const by = wanted - (samples[index]?.wanted ?? wanted)
    return by === 0 ? [] : [{ atS, by }]
  })
}
