import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { Message } from '@chatbox/contract'
import { estimateTokens } from '@chatbox/core'
import { createLogger } from '@chatbox/kit'
import { startModelServer, type ModelServer } from '../../environment/model-server.ts'
import type { Protocol } from '../../environment/model-wire.ts'
import { openRig, PROMPT, type WorkerRig } from '../../integration/worker-rig.ts'
import { openModel, type ModelUnderTest } from '../../support/model-client.ts'
import { ANTHROPIC_CONTENTS } from './anthropic-contents.ts'
import { ANTHROPIC_ENDINGS } from './anthropic-endings.ts'
import { DIFY_CONTENTS } from './dify-contents.ts'
import { DIFY_ENDINGS } from './dify-endings.ts'
import { toErrorRows } from './every-error.ts'
import { toReasoningRows } from './every-reasoning.ts'
import { toStreamRows } from './every-stream.ts'
import { OPENAI_CONTENTS } from './openai-contents.ts'
import { OPENAI_ENDINGS } from './openai-endings.ts'
import { json, refuse, toAnswer, WORDS, type Row, type RowOptions } from './row.ts'

const QUESTION = 'Hello?'

/** To test another form of a provider's stream, add one row to the file of its protocol. */
const TABLE: Record<Protocol, Row[]> = {
  openai: [...toEveryRow('openai'), ...OPENAI_ENDINGS, ...OPENAI_CONTENTS],
  anthropic: [...toEveryRow('anthropic'), ...ANTHROPIC_ENDINGS, ...ANTHROPIC_CONTENTS],
  dify: [...toEveryRow('dify'), ...DIFY_ENDINGS, ...DIFY_CONTENTS],
}

function toEveryRow(protocol: Protocol): Row[] {
  return [...toStreamRows(protocol), ...toErrorRows(protocol), ...toReasoningRows(protocol)]
}

let rig: WorkerRig

beforeAll(async () => {
  rig = await openRig()
})
afterAll(() => rig.close())

describe.each(Object.entries(TABLE))('%s', (protocol, rows) => {
  let server: ModelServer
  let model: ModelUnderTest

  beforeEach(async () => {
    server = await startModelServer()
  })
  afterEach(async () => {
    await model.close()
    await server.stop()
  })

  it.each(rows)('%s', async (...row: Row) => {
    const [, input, status, text, requests, options = {}] = row
    const { first, timeouts = {} } = options
    server.answer(...(first ? [toAnswer(first)] : []), toAnswer(input))
    const type = protocol as Protocol
    model = openModel({ type, endpoint: `${server.url}/v1` }, { gatherMs: () => 0, timeouts })
    const { reply, log } = await ask(model)
    expect(reply).toMatchObject({ status, content: text })
    // Dify is also told to stop, which asks nothing.
    const asked = server.requests.map(({ path }) => path).filter((path) => !path.endsWith('/stop'))
    expect(asked).toHaveLength(requests)
    checkOptions(reply, options)
    expect(log).not.toContain(WORDS)
  })
})

describe('demo', () => {
  const pause = () => Promise.resolve()

  it.each([
    ['Hello', 'complete', /This is the demo model/],
    ['a long one', 'complete', /5\. When things break/],
    ['fail', 'failed', /^$/],
    ['cut', 'incomplete', /^## This is the demo model/],
    ['<think>', 'complete', /You asked: `<think>`/],
  ])('%s is %s', async (question, status, text) => {
    const model = openModel({ type: 'demo' }, { pause })
    const { reply } = await ask(model, question)
    expect(reply).toMatchObject({ status, content: expect.stringMatching(text) })
    await model.close()
  })
})

it('tells the words of a provider at debug only', async () => {
  const server = await startModelServer()
  const said = json({ error: { code: 400, message: WORDS } })
  for (const answer of [
    refuse(400),
    toAnswer([said]),
    toAnswer([{ event: 'error', data: WORDS }]),
  ]) {
    server.answer(answer)
    const model = openModel({ type: 'openai', endpoint: server.url }, { gatherMs: () => 0 })
    expect((await ask(model)).log).not.toContain(WORDS)
    expect((await ask(model, 'Hello?', 'debug')).log).toContain(WORDS)
    await model.close()
  }
  await server.stop()
})

interface Asked {
  reply: Message | undefined
  log: string
}

/** Asks as a worker does, and returns what is in the log of the session, and of the process. */
async function ask(
  { llm }: ModelUnderTest,
  question = QUESTION,
  level: 'info' | 'debug' = 'info',
): Promise<Asked> {
  const lines: string[] = []
  const destination = { write: (line: string) => void lines.push(line) }
  const logger = createLogger('worker', level, { destination })
  const worker = rig.createWorker({ llm, logger, timing: { replyTimeoutMs: 20_000 } })
  const sessionId = await rig.createSession()
  await rig.ask(sessionId, question)
  expect(await worker.answer({ sessionId })).toBe('answered')
  const [, reply] = await rig.log(sessionId)
  return { reply, log: lines.join('') }
}

function checkOptions(reply: Message | undefined, { code, tokens }: RowOptions): void {
  if (code) expect(reply?.error).toMatchObject({ code })
  if (!tokens) return
  const { promptTokens, completionTokens } = reply?.usage ?? {}
  if (tokens !== 'estimated') {
    expect([promptTokens, completionTokens]).toEqual(tokens)
    return
  }
  expect(promptTokens).toBe(estimateTokens(PROMPT.systemPrompt) + estimateTokens(QUESTION))
  // Two reads may have brought the text. Each is rounded up by itself.
  const estimate = estimateTokens(reply?.content ?? '')
  expect([estimate, estimate + 1]).toContain(completionTokens)
}
