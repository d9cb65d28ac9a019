import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildWeb } from '../../../scripts/build-web.ts'
import { findFreePort } from '../../../scripts/servers/free-port.ts'
import { startService, type ServiceProcess } from '../../../scripts/servers/processes.ts'
import { TEST_SECRET } from '../../support/tokens.ts'

export interface ChatServer {
  /** The chat page's address. */
  url: string
  port: number
  stop(): Promise<void>
}

const DEMO_MODELS = {
  LLM_PROVIDER_1_ID: 'demo',
  LLM_PROVIDER_1_NAME: 'Demo',
  LLM_PROVIDER_1_TYPE: 'demo',
  LLM_PROVIDER_2_ID: 'second',
  LLM_PROVIDER_2_NAME: 'Second demo',
  LLM_PROVIDER_2_TYPE: 'demo',
}

/** One model behind an endpoint that speaks as OpenAI does. */
export function toModelSettings(endpoint: string): Record<string, string> {
  return {
    LLM_PROVIDER_1_ID: 'scripted',
    LLM_PROVIDER_1_NAME: 'Assistant',
    LLM_PROVIDER_1_TYPE: 'openai',
    LLM_PROVIDER_1_ENDPOINT: `${endpoint}/v1`,
    LLM_PROVIDER_1_API_KEY: randomBytes(24).toString('base64url'),
    LLM_PROVIDER_1_MODEL: 'scripted',
  }
}

/** A real `standalone` process with the built page, open to visitors; `origins` besides its own. */
export async function startChatServer(
  settings: Record<string, string> = DEMO_MODELS,
  origins: readonly string[] = [],
): Promise<ChatServer> {
  await buildWeb()
  const dataDir = await mkdtemp(join(tmpdir(), 'chatbox-e2e-'))
  const port = await findFreePort()
  const env = {
    MODE: 'standalone',
    HOST: '127.0.0.1',
    PORT: String(port),
    DATA_DIR: dataDir,
    JWT_SECRET: TEST_SECRET,
    ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64')}`,
    ALLOW_VISITORS: 'true',
    ALLOWED_ORIGINS: [`http://127.0.0.1:${port}`, ...origins].join(','),
    RATE_LIMIT: '10000',
    DRAIN_TIMEOUT: '5s',
    ...settings,
  }
  const service: ServiceProcess = await startService('standalone', { env })
  return {
    url: `http://127.0.0.1:${port}/chatbox/`,
    port,
    async stop() {
      await service.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
