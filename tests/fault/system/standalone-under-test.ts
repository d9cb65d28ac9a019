import { join } from 'node:path'
import { createKeyRing, openSqliteStore } from '@chatbox/adapters'
import { createDataFolder, TEST_ENCRYPTION, toModelSettings } from '../../environment/cluster.ts'
import { findFreePort } from '../../environment/servers/ports.ts'
import type { ClusterOptions } from './cluster-under-test.ts'
import { startRecordedModels } from './recorded-models.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'
import { Supervised } from './supervised.ts'
import {
  addLink,
  closeLinks,
  createToolHooks,
  namesOfKilled,
  type Link,
  type SystemUnderTest,
} from './system-under-test.ts'

/** The one process on SQLite, its folder on a disk that can be made full or read-only. */
export interface StandaloneUnderTest extends SystemUnderTest {
  readonly process: Supervised
  readonly disk: SmallDisk
}

export async function startStandaloneUnderTest(
  options: Omit<ClusterOptions, 'gateways' | 'workers' | 'toEntry'>,
): Promise<StandaloneUnderTest> {
  const { recorder, random, tokenIntervalMs: intervalMs } = options
  const models = await startRecordedModels({ recorder, intervalMs, doors: 1 })
  const disk = await openSmallDisk()
  const port = await findFreePort()
  const links: Link[] = []
  const toClients = await addLink(links, 'client-standalone', { port })
  const toModel = await addLink(links, 'standalone-model', { port: models.ports[0] ?? 0 })
  const { env: common, dataDir } = await createDataFolder(join(disk.folder, 'data'))
  const env = {
    ...common,
    LOG_LEVEL: 'warn',
    PORT: String(port),
    MANAGEMENT_PORT: String(await findFreePort()),
    DRAIN_TIMEOUT: '20s',
    ...toModelSettings(`http://127.0.0.1:${toModel}`),
    LLM_PROVIDER_1_CONTEXT_TOKENS: '2048',
    ...options.settings,
  }
  const name = 'standalone-1'
  const process = new Supervised({ name, service: 'standalone', launch: { env }, recorder, random })

  async function stop(): Promise<string[]> {
    await process.stop()
    await closeLinks(links)
    await models.stop()
    await disk.close()
    return namesOfKilled([process])
  }

  await process.start().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    ...{ process, disk, models, links, stop },
    processes: [process],
    gatewayPorts: [toClients],
    balancerPort: toClients,
    storeName: 'SQLite',
    async openStore() {
      const cipher = createKeyRing([TEST_ENCRYPTION])
      const store = await openSqliteStore({ dataDir, cipher, hooks: createToolHooks(recorder) })
      return { store, close: () => store.close() }
    },
  }
}
