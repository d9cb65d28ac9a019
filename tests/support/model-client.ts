import type { Usage } from '@chatbox/contract'
import { within as settleWithin, type Llm, type LlmChunk, type LlmRequest } from '@chatbox/core'
import type { ProviderSettings } from '@chatbox/kit'
import { createModelDirectory, type ModelDirectoryOptions } from '@chatbox/worker'

/** What came of one request to a model. */
export interface Outcome {
  text: string
  pieces: string[]
  usage: Usage | undefined
  ref: string | undefined
  ended: boolean
  error: unknown
}

/** A configured model, with what it counted and logged. */
export interface ModelUnderTest {
  llm: Llm
  calls: string[]
  breaker: boolean[]
  logged: unknown[]
  close(): Promise<void>
}

export const TEST_KEY = 'sk-very-secret-key-0123456789'

export function openModel(
  provider: Partial<ProviderSettings> & Pick<ProviderSettings, 'type'>,
  options: ModelDirectoryOptions = {},
): ModelUnderTest {
  const calls: string[] = []
  const breaker: boolean[] = []
  const logged: unknown[] = []
  const directory = createModelDirectory(
    [
      {
        id: 'model',
        name: 'Model',
        endpoint: undefined,
        apiKey: TEST_KEY,
        model: 'some-model',
        maxTokens: 500,
        contextTokens: 8000,
        inputPrice: undefined,
        outputPrice: undefined,
        systemPrompt: '',
        ...provider,
      },
    ],
    {
      logger: {
        info: (...line: unknown[]) => void logged.push(line),
        warn: (...line: unknown[]) => void logged.push(line),
      },
      metrics: {
        providerCalled: (_id, outcome) => void calls.push(outcome),
        breakerOpen: (_id, open) => void breaker.push(open),
      },
    },
    options,
  )
  const llm = directory.find('model')?.llm
  if (!llm) throw new Error('no model')
  return { llm, calls, breaker, logged, close: () => directory.close() }
}

export function toRequest(request: Partial<LlmRequest> = {}): LlmRequest {
  return {
    sessionId: 'session-1',
    userId: 'user-1',
    requestId: 'request-1',
    system: 'Be brief.',
    messages: [{ role: 'user', content: 'Hello' }],
    conversationRef: undefined,
    ...request,
  }
}

/** Reads a reply to its end, whichever it is. */
export async function readReply(
  llm: Llm,
  request: LlmRequest = toRequest(),
  signal: AbortSignal = new AbortController().signal,
): Promise<Outcome> {
  const outcome: Outcome = {
    text: '',
    pieces: [],
    usage: undefined,
    ref: undefined,
    ended: false,
    error: undefined,
  }
  try {
    for await (const chunk of llm.streamReply(request, signal)) {
      if (outcome.ended) throw new Error('a chunk after the end')
      note(chunk, outcome)
    }
  } catch (error) {
    outcome.error = error
  }
  outcome.text = outcome.pieces.join('')
  return outcome
}

function note(chunk: LlmChunk, outcome: Outcome): void {
  if (chunk.type === 'text') outcome.pieces.push(chunk.text)
  if (chunk.type === 'replacement') outcome.pieces.splice(0, Infinity, chunk.text)
  if (chunk.type === 'usage') outcome.usage = chunk.usage
  if (chunk.type === 'conversation') outcome.ref = chunk.ref
  if (chunk.type === 'end') outcome.ended = true
}

/** Rejects when `promise` has not settled in time. */
export function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  return settleWithin(ms, promise, () => new Error(`not within ${ms} ms`))
}
