import { setTimeout as sleep } from 'node:timers/promises'
import {
  startHostileModelServer,
  type Answer,
  type HostileModelServer,
} from '../../support/hostile-model-server.ts'
import { encodeEvents, WIRES } from '../../support/model-wire.ts'

/** A model that answers word for word what a test has written down. */
export interface ScriptedModel extends HostileModelServer {
  /** The answer to every question from now on, in pieces of so many characters. */
  say(text: string, pieceLength?: number, intervalMs?: number): void
}

export async function startScriptedModel(): Promise<ScriptedModel> {
  const server = await startHostileModelServer()
  return {
    ...server,
    say(text, pieceLength = 12, intervalMs = 1) {
      server.answer(stream(toPieces(text, pieceLength), intervalMs))
    },
  }
}

function stream(pieces: string[], intervalMs: number): Answer {
  return async ({ response }) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of WIRES.openai.events({ pieces })) {
      if (response.destroyed) return
      response.write(encodeEvents([event]))
      await sleep(intervalMs)
    }
    response.end()
  }
}

/** Cut at code points: a model sends whole characters. */
function toPieces(text: string, length: number): string[] {
  const points = Array.from(text)
  return Array.from({ length: Math.ceil(points.length / length) }, (_, index) =>
    points.slice(index * length, (index + 1) * length).join(''),
  )
}
