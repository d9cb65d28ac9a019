import type { Recorder } from '../../../fault/history.ts'
import { startModelServer, type ModelServer } from '../../../fault/model-server.ts'
import { MODEL_ADDRESS } from '../world.ts'
import { startTlsFront, type Certificate } from './model-front.ts'

const MODEL_PORT = 443

/** The harness's model server, where the workers' policy lets them reach one: a public address, with TLS. */
export async function startModels(
  certificate: Certificate,
  { recorder, intervalMs }: { recorder: Recorder; intervalMs: number },
): Promise<ModelServer> {
  const models = await startModelServer({ recorder, intervalMs, doors: 1 })
  const to = models.ports[0] ?? 0
  const front = await startTlsFront(certificate, { address: MODEL_ADDRESS, port: MODEL_PORT, to })
  return {
    ...models,
    async stop() {
      front.stop()
      await models.stop()
    },
  }
}

/** For questions that nobody holds against anything. */
export function createIdleRecorder(): Recorder {
  let id = 0
  return {
    now: () => 0,
    nextId: () => ++id,
    record: () => undefined,
    close: async () => undefined,
  }
}
