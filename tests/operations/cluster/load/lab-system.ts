import { startTcpProxy } from '../../../environment/servers/tcp-proxy.ts'
import type { Recorder } from '../../../fault/history.ts'
import type { RecordedModels } from '../../../fault/system/recorded-models.ts'
import { openOnce, type SystemUnderTest } from '../../../fault/system/system-under-test.ts'

export interface LabSystemOptions {
  recorder: Recorder
  models: RecordedModels
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
  const stores = openOnce(recorder, () => ({
    kind: 'cluster',
    redisUrl,
    mongoUri,
    mongoDatabase: 'chatbox',
    encryptionKeys: [{ id: '1', key: options.encryptionKey }],
  }))
  return {
    processes: [],
    links: [],
    models,
    gatewayPorts: [way.port],
    balancerPort: way.port,
    storeName: 'MongoDB in the cluster',
    openStore: () => stores.openStore(),
    async stop() {
      await stores.close()
      await way.close()
      return []
    },
  }
}
