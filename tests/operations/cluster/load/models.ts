import type { Recorder } from '../../../fault/history.ts'
import { startRecordedModels, type RecordedModels } from '../../../fault/system/recorded-models.ts'
import { MODEL_ADDRESS } from '../world.ts'
import { startTlsFront } from '../../../environment/servers/tls-front.ts'
import type { Certificate } from './certificate.ts'

const MODEL_PORT = 443

/** The harness's model server, where the workers' policy lets them reach one: a public address, with TLS. */
export async function startModels(
  certificate: Certificate,
  { recorder, intervalMs }: { recorder: Recorder; intervalMs: number },
): Promise<RecordedModels> {
  const models = await startRecordedModels({ recorder, intervalMs, doors: 1 })
  const at = { host: MODEL_ADDRESS, port: MODEL_PORT }
  const front = await startTlsFront(certificate, models.ports[0] ?? 0, at)
  return {
    ...models,
    async stop() {
      await front.close()
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
