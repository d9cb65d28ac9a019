import { LlmError, type Llm, type LlmRequest } from '@chatbox/core'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeDemoReply } from './demo-reply.ts'

/** Resolves after `ms`; rejects with the reason of `signal` as soon as that aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>

/**
 * The model that is built in, for trying everything without a key. It streams like a model, a word
 * at a time, and its words and pauses depend on nothing but the session and what was asked there.
 *
 * For trying, and for tests, a question can be a command:
 *
 * - one with the word `long` in it: a reply several times as long
 * - `fail`: no text, but a failure that may pass
 * - `cut`: text that breaks off in the middle
 */
export function createDemoLlm(pause: Pause = wait): Llm {
  return {
    async *streamReply(request, signal) {
      const command = readCommand(request)
      const random = createRandom(request)
      signal.throwIfAborted()
      await pause(FIRST_TOKEN_MS, signal)
      if (command === 'fail') {
        throw new LlmError('LLM_UNAVAILABLE', 'the demo was told to fail', { retryable: true })
      }
      const words = toWords(writeDemoReply(request, command === 'long'))
      const shown = command === 'cut' ? words.slice(0, CUT_AFTER_WORDS) : words
      for (const text of shown) {
        yield { type: 'text', text }
        await pause(MIN_PAUSE_MS + random() * PAUSE_SPREAD_MS, signal)
      }
      if (command === 'cut') {
        throw new LlmError('LLM_TRUNCATED', 'the demo was told to break off', { retryable: true })
      }
      yield { type: 'end' }
    },
  }
}

const FIRST_TOKEN_MS = 200
const MIN_PAUSE_MS = 8
const PAUSE_SPREAD_MS = 24
const CUT_AFTER_WORDS = 30

type Command = 'fail' | 'cut' | 'long'

function readCommand({ messages }: LlmRequest): Command | undefined {
  const question = messages.at(-1)?.content.trim().toLowerCase() ?? ''
  if (question === 'fail' || question === 'cut') return question
  return /\blong\b/.test(question) ? 'long' : undefined
}

/** Words with the white space after them. */
function toWords(text: string): string[] {
  return text.match(/\S+\s*/g) ?? []
}

/** Numbers in [0, 1) that are the same for the same question in the same session. */
function createRandom({ sessionId, messages }: LlmRequest): () => number {
  const seed = createHash('sha256')
    .update(JSON.stringify([sessionId, messages.length, messages.at(-1)?.content]))
    .digest()
  let drawn = 0
  return () => seed.readUInt16LE((drawn++ % (seed.length / 2)) * 2) / 0x1_0000
}

async function wait(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
