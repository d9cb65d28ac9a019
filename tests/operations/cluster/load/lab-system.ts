import { openBackend, type Backend } from '@chatbox/adapters'
import { startTcpProxy } from '../../../../scripts/servers/tcp-proxy.ts'
import type { Recorder } from '../../../fault/history.ts'
import type { ModelServer } from '../../../fault/model-server.ts'
import { createToolHooks, type SystemUnderTest } from '../../../fault/system-under-test.ts'

export interface LabSystemOptions {
  recorder: Recorder
  models: ModelServer
  /** Of the gateways' Service. */
  gateway: { host: string; port: number }
  redisUrl: string
  mongoUri: string
  encryptionKey: Buffer
}

/**
 * The release in the cluster as the fault harness sees a system: one address for all gateways, where
 * each connection lands on some pod. The processes are not the harness's to start, signal or count.
 */
export async function openLabSystem(options: LabSystemOptions): Promise<SystemUnderTest> {
  const { recorder, models, gateway, redisUrl, mongoUri } = options
  const way = await startTcpProxy(gateway)
  let opened: Promise<Backend> | undefined
  const open = (): Promise<Backend> =>
    openBackend(
      {
        kind: 'cluster',
        redisUrl,
        mongoUri,
        mongoDatabase: 'chatbox',
        encryptionKeys: [{ id: '1', key: options.encryptionKey }],
      },
      createToolHooks(recorder),
    )
  return {
    processes: [],
    links: [],
    models,
    gatewayPorts: [way.port],
    balancerPort: way.port,
    storeName: 'MongoDB in the cluster',
    async openStore() {
      opened ??= open()
      return { store: await opened, close: async () => undefined }
    },
    async stop() {
      await (await opened)?.close()
      await way.close()
      return []
    },
  }
}
