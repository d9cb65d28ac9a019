import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createKeyRing, openSqliteStore } from '@chatbox/adapters'
import { findFreePort } from '../../scripts/servers/free-port.ts'
import { startTcpProxy } from '../../scripts/servers/tcp-proxy.ts'
import { TEST_SECRET } from '../support/tokens.ts'
import type { Recorder } from './history.ts'
import { startModelServer } from './model-server.ts'
import type { Random } from './random.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'
import { Supervised } from './supervised.ts'
import {
  createToolHooks,
  stopProcesses,
  type Link,
  type SystemUnderTest,
} from './system-under-test.ts'

export interface StandaloneOptions {
  tokenIntervalMs: number
  recorder: Recorder
  random: Random
  settings?: Record<string, string>
}

/** The one process on SQLite, its folder on a disk that can be made full or read-only. */
export interface StandaloneUnderTest extends SystemUnderTest {
  readonly process: Supervised
  readonly disk: SmallDisk
}

export async function startStandaloneUnderTest(
  options: StandaloneOptions,
): Promise<StandaloneUnderTest> {
  const { recorder, random } = options
  const models = await startModelServer({
    recorder,
    intervalMs: options.tokenIntervalMs,
    doors: 1,
  })
  const disk = await openSmallDisk()
  const port = await findFreePort()
  const toClients = await startTcpProxy({ port })
  const toModel = await startTcpProxy({ port: models.ports[0] ?? 0 })
  const key = randomBytes(32)
  const dataDir = join(disk.folder, 'data')
  const env = {
    ...toSettings(key, dataDir),
    PORT: String(port),
    MANAGEMENT_PORT: String(await findFreePort()),
    LLM_PROVIDER_1_ENDPOINT: `http://127.0.0.1:${toModel.port}/v1`,
    ...options.settings,
  }
  const name = 'standalone-1'
  const process = new Supervised({ name, service: 'standalone', launch: { env }, recorder, random })
  const links: Link[] = [
    { kind: 'client-standalone', name: 'client>standalone', proxy: toClients },
    { kind: 'standalone-model', name: 'standalone>model', proxy: toModel },
  ]

  async function stop(): Promise<string[]> {
    const killed = await stopProcesses([process])
    await Promise.all(links.map(({ proxy }) => proxy.close()))
    await models.stop()
    await disk.close()
    return killed
  }

  try {
    await process.start()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    process,
    disk,
    models,
    links,
    processes: [process],
    gatewayPorts: [toClients.port],
    balancerPort: toClients.port,
    storeName: 'SQLite',
    async openStore() {
      const cipher = createKeyRing([{ id: 'test', key }])
      const store = await openSqliteStore({ dataDir, cipher, hooks: createToolHooks(recorder) })
      return { store, close: () => store.close() }
    },
    stop,
  }
}

function toSettings(key: Buffer, dataDir: string): Record<string, string> {
  return {
    MODE: 'standalone',
    LOG_LEVEL: 'warn',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
    ENCRYPTION_KEYS: `test:${key.toString('base64')}`,
    JWT_SECRET: TEST_SECRET,
    ALLOWED_ORIGINS: 'https://shop.example',
    RATE_LIMIT: '100000',
    MAX_CONNECTIONS_PER_USER: '100',
    DRAIN_TIMEOUT: '20s',
    LLM_PROVIDER_1_ID: 'tokens',
    LLM_PROVIDER_1_NAME: 'Tokens',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'tokens',
    LLM_PROVIDER_1_CONTEXT_TOKENS: '2048',
  }
}
