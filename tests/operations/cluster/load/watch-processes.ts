import type { Recorder } from '../../../fault/history.ts'
import { parseRefusedPayload } from '../../../fault/system/product-output.ts'
import type { KubeApi } from '../kube/api.ts'
import type { ContainerStatus, Pod } from '../kube/pods.ts'

export interface ProcessWatch {
  /** Containers that ended, with exit code 0 or not. */
  readonly ends: readonly { pod: string; code: number; wasAsked: boolean }[]
  /** What the pods of the product printed at level `error` or above. */
  readonly errors: readonly string[]
  stop(): void
}

const MAX_ERRORS = 200

/**
 * Follows the product's pods: how each process ends goes into the history, as that of a process the
 * harness started itself would, and so does each payload that one of them says it refused.
 */
export function watchProcesses(
  api: KubeApi,
  recorder: Recorder,
  { namespace, selector }: { namespace: string; selector: string },
): ProcessWatch {
  const stopping = new AbortController()
  const { signal } = stopping
  const ends: { pod: string; code: number; wasAsked: boolean }[] = []
  const errors: string[] = []
  const followed = new Set<string>()
  const pods = `/api/v1/namespaces/${namespace}/pods`

  function onLine(pod: string, line: string): void {
    const refused = parseRefusedPayload(line)
    if (refused) recorder.record({ op: 'payload-refused', process: pod, ...refused })
    if (isError(line) && errors.length < MAX_ERRORS) errors.push(`${pod}: ${line.slice(0, 500)}`)
  }

  function onContainer({ metadata }: Pod, container: ContainerStatus): void {
    const pod = metadata.name
    const id = container.containerID ?? ''
    if (id === '') return
    if (container.state?.running && !followed.has(id)) {
      followed.add(id)
      const path = `${pods}/${pod}/log?follow=true&container=${container.name}`
      // It ends with its container; a log that cannot be read shows in none of the checks.
      void api.follow(path, (line) => onLine(pod, line), signal).catch(() => undefined)
    }
    const code = container.state?.terminated?.exitCode
    if (code === undefined || followed.has(`end of ${id}`)) return
    followed.add(`end of ${id}`)
    const wasAsked = metadata.deletionTimestamp !== undefined
    ends.push({ pod, code, wasAsked })
    const life = { op: 'life', phase: 'ended', process: pod, pid: 0 } as const
    recorder.record({ ...life, expected: wasAsked, code, signal: null })
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      const query = `watch=true&labelSelector=${encodeURIComponent(selector)}`
      await api
        .follow(`${pods}?${query}`, (line) => onEvent(line), signal)
        .catch((error: unknown) => {
          if (!signal.aborted) errors.push(`the watch on pods broke: ${String(error)}`)
        })
    }
  }

  function onEvent(line: string): void {
    // One event of the API a line.
    const { object } = JSON.parse(line) as { object: Pod }
    for (const container of object.status.containerStatuses ?? []) onContainer(object, container)
  }

  void watch()
  return { ends, errors, stop: () => stopping.abort() }
}

/** A line of the product's own log at these levels; anything else that it prints is its last words. */
function isError(line: string): boolean {
  if (!line.startsWith('{')) return line.trim() !== ''
  return /"level":"(?:error|fatal)"/u.test(line)
}
