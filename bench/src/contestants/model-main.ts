// A model server in its own process. It sends numbered tokens at a steady rate. The first token of
// each reply contains the monotonic time at which it was written.
import { startModelServer, streamReply } from '../../../tests/environment/model-server.ts'
import { beReady } from './serve.ts'

const TOKENS = Number(process.env.TOKENS)
const INTERVAL_MS = 1000 / Number(process.env.TOKENS_PER_SECOND)

function* count(): Generator<string | (() => string)> {
  yield () => `sent@${process.hrtime.bigint()} `
  for (let token = 1; token < TOKENS; token += 1) yield `${token} `
}

const answer = streamReply(() => ({ pieces: count(), intervalMs: INTERVAL_MS }))
await startModelServer(answer, { port: Number(process.env.PORT), keepsRequests: false })
await beReady()
