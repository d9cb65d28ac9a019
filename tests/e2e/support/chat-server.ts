import { buildWeb } from '../../../scripts/build-web.ts'
import { startStandalone, type Settings } from '../../environment/cluster.ts'
import { findFreePort } from '../../environment/servers/ports.ts'

export interface ChatServer {
  /** The chat page's address. */
  url: string
  port: number
  /** What it has printed. */
  output(): string
  stop(): Promise<unknown>
}

const DEMO_MODELS = {
  LLM_PROVIDER_1_ID: 'demo',
  LLM_PROVIDER_1_NAME: 'Demo',
  LLM_PROVIDER_1_TYPE: 'demo',
  LLM_PROVIDER_2_ID: 'second',
  LLM_PROVIDER_2_NAME: 'Second demo',
  LLM_PROVIDER_2_TYPE: 'demo',
}

/** A real `standalone` process with the built page, open to visitors; `origins` besides its own. */
export async function startChatServer(
  settings: Settings = DEMO_MODELS,
  origins: readonly string[] = [],
): Promise<ChatServer> {
  await buildWeb()
  const port = await findFreePort()
  const service = await startStandalone({
    PORT: String(port),
    ALLOW_VISITORS: 'true',
    ALLOWED_ORIGINS: [`http://127.0.0.1:${port}`, ...origins].join(','),
    DRAIN_TIMEOUT: '5s',
    ...settings,
  })
  return {
    url: `${service.url}/chatbox/`,
    port,
    output: () => service.output(),
    stop: () => service.stop(),
  }
}
