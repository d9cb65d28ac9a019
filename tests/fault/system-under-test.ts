import type { StorePorts } from '@chatbox/adapters'
import type { AdapterHooks } from '@chatbox/core'
import type { TcpProxy } from '../../scripts/servers/tcp-proxy.ts'
import type { Recorder } from './history.ts'
import type { ModelServer } from './model-server.ts'
import type { Supervised } from './supervised.ts'

export type LinkKind =
  | 'client-gateway'
  | 'gateway-redis'
  | 'gateway-store'
  | 'worker-redis'
  | 'worker-store'
  | 'worker-model'
  | 'client-standalone'
  | 'standalone-model'

/** The way between two processes, which can be made to fail. */
export interface Link {
  kind: LinkKind
  name: string
  proxy: TcpProxy
}

/** The product as real processes with everything that it needs, as far as every run needs it. */
export interface SystemUnderTest {
  /** Of the product, in all. */
  readonly processes: readonly Supervised[]
  readonly models: ModelServer
  readonly links: readonly Link[]
  /** Where a client may connect, each over a link of its own. */
  readonly gatewayPorts: readonly number[]
  /** Of what stands in front of all of them. */
  readonly balancerPort: number
  readonly storeName: string
  /** The store past every link, as an operator's tool would use it. */
  openStore(): Promise<{ store: StorePorts; close(): Promise<void> }>
  /** Ends every process. Resolves with the names of those that had to be killed. */
  stop(): Promise<string[]>
}

/** For an operator's tool, which has no log of its own here. */
export function createToolHooks(recorder: Recorder): AdapterHooks {
  return {
    onError: nothing,
    onPublishFailed: nothing,
    onGap: nothing,
    onPayloadRefused: (source, ids) =>
      recorder.record({ op: 'payload-refused', process: 'store-tool', source, ids }),
  }
}

function nothing(): void {
  // What fails rejects as well.
}

/** Resolves with the names of those that had to be killed. */
export async function stopProcesses(processes: readonly Supervised[]): Promise<string[]> {
  const killed: string[] = []
  await Promise.all(
    processes.map(async (process) => {
      if (!(await process.stop())) killed.push(process.name)
    }),
  )
  return killed
}
