import { setTimeout as sleep } from 'node:timers/promises'
import { kubectl, RunError } from '../kube/run.ts'
import { isReady, listPods } from '../kube/pods.ts'
import { waitFor } from '../wait-for.ts'
import { NAMESPACE, selectorOf } from '../world.ts'
import type { Proof } from './part.ts'

const LIMIT_MS = 120_000
const PAUSE_MS = 500

/**
 * What a node's drain does to each pod, one after the other and again where the budget says no. The
 * lab has one node, so it is not cordoned: what is evicted starts anew beside the rest.
 */
export async function proveEviction({ checks }: Proof): Promise<void> {
  for (const component of ['gateway', 'worker'] as const) {
    await checks.check(`${component}: the budget lets a drain come to its end`, async () => {
      const startedAt = performance.now()
      const pods = await listPods(NAMESPACE, selectorOf(component))
      let refused = 0
      for (const { metadata } of pods) refused += await evict(metadata.name, startedAt + LIMIT_MS)
      const tookS = Math.round((performance.now() - startedAt) / 1000)
      if (refused === 0) throw new Error('the budget held back nothing')
      await waitFor('new pods', async () => {
        const now = await listPods(NAMESPACE, selectorOf(component))
        return now.filter(isReady).length === pods.length
      })
      return `${pods.length} pods in ${tookS} s, asked ${refused} times too early`
    })
  }
}

/** Resolves with how often it was refused before it was done. */
async function evict(pod: string, endsAt: number): Promise<number> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${pod}/eviction`
  const eviction = {
    apiVersion: 'policy/v1',
    kind: 'Eviction',
    metadata: { name: pod, namespace: NAMESPACE },
  }
  for (let refused = 0; ; refused += 1) {
    try {
      const input = JSON.stringify(eviction)
      await kubectl(['create', '--raw', path, '--filename=-'], { input })
      return refused
    } catch (error) {
      const isBudget = error instanceof RunError && error.output.includes('disruption budget')
      if (!isBudget || performance.now() > endsAt) throw error
      await sleep(PAUSE_MS)
    }
  }
}
