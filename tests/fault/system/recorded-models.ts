import {
  startModelServer,
  writeReply,
  type Answer,
  type Exchange,
} from '../../environment/model-server.ts'
import { modelToken, type Recorder } from '../history.ts'

export interface RecordedModels {
  /** One address per worker, which shows the worker of each request. */
  readonly ports: readonly number[]
  /** The number of replies in progress, in all or on one port. */
  streaming(port?: number): number
  stop(): Promise<void>
}

export interface RecordedModelsOptions {
  recorder: Recorder
  /** The time from one token to the next. */
  intervalMs: number
  /** The number of ports to listen on. */
  doors: number
}

/** Matches a question's whole content, without the rest of the prompt. */
const QUESTION = /#[\w.-]+ tokens=\d+/gu
const TOKENS = /tokens=(\d+)/u
/**
 * The answer to anything that is not our question, for example a message of a session that a person
 * has left.
 */
const DEFAULT_TOKENS = 3

/**
 * Starts model servers that stream as many tokens as the question asks for and record every
 * request. Each token names its request and its place.
 */
export async function startRecordedModels(options: RecordedModelsOptions): Promise<RecordedModels> {
  const servers = await Promise.all(
    Array.from({ length: options.doors }, (_, index) =>
      startModelServer(recordReply(options, `model-${index + 1}`), { keepsRequests: false }),
    ),
  )
  return {
    ports: servers.map(({ port }) => port),
    streaming: (port) =>
      servers
        .filter((server) => port === undefined || server.port === port)
        .reduce((sum, server) => sum + server.streaming(), 0),
    async stop() {
      await Promise.all(servers.map((server) => server.stop()))
    },
  }
}

function recordReply({ recorder, intervalMs }: RecordedModelsOptions, process: string): Answer {
  return async (exchange) => {
    const value = readQuestion(exchange)
    const tokens = Number(TOKENS.exec(value)?.[1] ?? DEFAULT_TOKENS)
    const id = recorder.nextId()
    recorder.record({ op: 'model', phase: 'invoke', id, process, value, tokens })
    const pieces = Array.from({ length: tokens }, (_, index) => modelToken(id, index))
    const usage = { prompt: 5, completion: tokens }
    const written = await writeReply(exchange, { pieces, usage, intervalMs })
    const phase = written.isWhole ? 'ok' : 'fail'
    recorder.record({ op: 'model', phase, id, process, sent: written.pieces })
  }
}

function readQuestion({ request }: Exchange): string {
  const { messages } = request.body as { messages?: { content?: string }[] }
  const last = messages?.at(-1)?.content ?? ''
  return [...last.matchAll(QUESTION)].at(-1)?.[0] ?? last
}
