import { kubectl } from './run.ts'

export interface Pod {
  metadata: {
    name: string
    namespace: string
    labels?: Record<string, string>
    deletionTimestamp?: string
  }
  spec: { containers: { name: string; image: string }[]; terminationGracePeriodSeconds?: number }
  status: {
    podIP?: string
    phase?: string
    conditions?: { type: string; status: string }[]
    containerStatuses?: ContainerStatus[]
    initContainerStatuses?: ContainerStatus[]
  }
}

export interface ContainerStatus {
  name: string
  containerID?: string
  restartCount: number
  state?: { running?: object; terminated?: { exitCode: number; signal?: number } }
  lastState?: { terminated?: { exitCode: number; containerID?: string } }
}

/** Pods of a namespace by name; those that are being deleted only where they are asked for. */
export async function listPods(
  namespace: string,
  selector: string,
  { withLeaving = false } = {},
): Promise<Pod[]> {
  const args = ['get', 'pods', '--namespace', namespace, '--selector', selector, '--output=json']
  // Of the kind that the API documents.
  const { items } = JSON.parse(await kubectl(args)) as { items: Pod[] }
  return items
    .filter(({ metadata }) => withLeaving || metadata.deletionTimestamp === undefined)
    .sort((a, b) => a.metadata.name.localeCompare(b.metadata.name))
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false
}

/** A pod under the restricted standard that idles; `command` replaces the image's own. */
export function toIdlePod(
  at: { namespace: string; name: string; labels: Record<string, string> },
  container: { image: string; command: string[]; env?: object[] },
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: at,
    spec: {
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: 'main',
          ...container,
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  }
}
