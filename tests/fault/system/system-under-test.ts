import { openBackend, type Backend, type BackendOptions, type StorePorts } from '@chatbox/adapters'
import type { AdapterHooks } from '@chatbox/core'
import { startTcpProxy, type TcpProxy } from '../../environment/servers/tcp-proxy.ts'
import type { Recorder } from '../history.ts'
import type { RecordedModels } from './recorded-models.ts'
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
  readonly models: RecordedModels
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

/** Puts a link before a port into `links`, and answers the port to use in its place. */
export async function addLink(links: Link[], kind: LinkKind, at: Hop): Promise<number> {
  const proxy = await startTcpProxy({ port: at.port })
  const [from = '', to = ''] = kind.split('-')
  const number = at.index === undefined ? '' : `-${at.index}`
  const name = from === 'client' ? `client>${to}${number}` : `${from}${number}>${to}`
  links.push({ kind, name, proxy })
  return proxy.port
}

interface Hop {
  port: number
  /** Of the process, where there are several. */
  index?: number
}

export async function closeLinks(links: readonly Link[]): Promise<void> {
  await Promise.all(links.map(({ proxy }) => proxy.close()))
}

export function namesOfKilled(processes: readonly Supervised[]): string[] {
  return processes.filter(({ wasKilled }) => wasKilled).map(({ name }) => name)
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

/** A back end that is opened once: it reconnects by itself, and a new one would wait for Redis. */
export function openOnce(
  recorder: Recorder,
  toOptions: () => BackendOptions | Promise<BackendOptions>,
): Pick<SystemUnderTest, 'openStore'> & { close(): Promise<void> } {
  let opened: Promise<Backend> | undefined
  const open = async (): Promise<Backend> =>
    openBackend(await toOptions(), createToolHooks(recorder))
  return {
    async openStore() {
      opened ??= open()
      return { store: await opened, close: async () => undefined }
    },
    async close() {
      await (await opened)?.close()
    },
  }
}
