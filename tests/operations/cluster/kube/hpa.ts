import type { KubeApi } from './api.ts'
import { GATEWAY, NAMESPACE } from '../world.ts'

interface Hpa {
  spec: { minReplicas: number; maxReplicas: number }
  status: {
    desiredReplicas: number
    currentReplicas?: number
    conditions?: { type: string; status: string; reason: string }[]
  }
}

async function readHpa(api: KubeApi, name = GATEWAY): Promise<Hpa> {
  const base = `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`
  return api.get<Hpa>(`${base}/${name}`)
}

/** Whether the autoscaler can decide, and why not. */
export async function readScalingActive(
  api: KubeApi,
): Promise<{ isActive: boolean; reason: string }> {
  const { status } = await readHpa(api)
  const found = status.conditions?.find(({ type }) => type === 'ScalingActive')
  return { isActive: found?.status === 'True', reason: found?.reason ?? 'none' }
}
