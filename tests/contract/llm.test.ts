import { setImmediate as nextTurn } from 'node:timers/promises'
import { startModelServer, streamPieces } from '../environment/model-server.ts'
import { openModel, type ModelUnderTest } from '../support/model-client.ts'
import { encodeEvents, WIRES, type Protocol } from '../environment/model-wire.ts'
import { describeHttpLlm } from './llm-http.contract.ts'
import { describeLlm } from './llm.contract.ts'

const PROTOCOLS: Protocol[] = ['openai', 'anthropic', 'dify']

describeLlm('demo', () => Promise.resolve(openModel({ type: 'demo' }, { pause: shortPause })))

for (const protocol of PROTOCOLS) {
  describeLlm(protocol, () => openAnswering(protocol))
  describeHttpLlm(protocol)
}

async function shortPause(_ms: number, signal: AbortSignal): Promise<void> {
  await nextTurn()
  signal.throwIfAborted()
}

async function openAnswering(protocol: Protocol): Promise<ModelUnderTest> {
  const server = await startModelServer()
  const words = Array.from({ length: 20 }, (_, index) => `word-${index} `)
  const events = WIRES[protocol].events({ pieces: words })
  server.answer(streamPieces(events.map((event) => encodeEvents([event]))))
  const model = openModel({ type: protocol, endpoint: server.url })
  return {
    ...model,
    close: async () => {
      await model.close()
      await server.stop()
    },
  }
}
