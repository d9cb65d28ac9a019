import { LlmError, type Llm, type LlmRequest } from '@chatbox/core'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after `ms`. Rejects with the reason of `signal` as soon as it aborts. */
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
      if (request.work) request.work.isSent = true
      await pause(FIRST_TOKEN_MS, signal)
      if (command === 'fail') {
        throw new LlmError('LLM_UNAVAILABLE', 'the demo was told to fail', { retryable: true })
      }
      const words = toWords(writeReply(request, command === 'long'))
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

/** Splits a text into words, each with its trailing white space. */
function toWords(text: string): string[] {
  return text.match(/\S+\s*/g) ?? []
}

/** Creates numbers in [0, 1) that are the same for the same question in the same session. */
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

/** Writes the demo's reply: what it is, the question it got, and how to set up a real model. */
function writeReply({ messages }: LlmRequest, long: boolean): string {
  const questions = messages.filter(({ role }) => role === 'user').length
  const question = quote(messages.at(-1)?.content ?? '')
  return [
    '## This is the demo model',
    `You asked: ${question}`,
    questions === 1
      ? 'I am **not a real model**: I am built in, so that you can try the chat without a key. I cannot answer your question, but I can show you how an answer looks.'
      : `That is question ${questions} of this conversation, so the whole of it reached me. I am still the **demo**, not a real model.`,
    ...(long ? CHAPTERS : []),
    TRY,
    SETUP,
  ].join('\n\n')
}

const QUOTE_LENGTH = 200

/** Quotes the question in one line of code, where markdown has no effect. */
function quote(question: string): string {
  const line = question.replaceAll('`', "'").replace(/\s+/g, ' ').trim()
  const points = Array.from(line)
  const start = points.slice(0, QUOTE_LENGTH).join('')
  return points.length > QUOTE_LENGTH ? `\`${start} …\`` : `\`${start}\``
}

const TRY = `Things to try:

- **stop** this answer while it is being written
- **reload** the page in the middle of it: it goes on where it was
- ask one of these

| Question | What happens |
| --- | --- |
| \`a long one\` | an answer several times as long |
| \`fail\` | no answer, and a way to try again |
| \`cut\` | an answer that breaks off |`

const SETUP = `To talk to a real model, set these and start again; Anthropic and Dify work the same way. A key comes from [your provider](https://platform.openai.com/api-keys).

\`\`\`sh
LLM_PROVIDER_1_ID=gpt
LLM_PROVIDER_1_NAME=GPT
LLM_PROVIDER_1_TYPE=openai
LLM_PROVIDER_1_ENDPOINT=https://api.openai.com/v1
LLM_PROVIDER_1_API_KEY=...
LLM_PROVIDER_1_MODEL=...
\`\`\``

const CHAPTERS = [
  `### 1. What happens to a question

Your browser gives each message an id of its own and keeps the message until the server has said that it is stored. When the connection breaks in between, the message is sent again under the same id, so it is never lost and never there twice.`,
  `### 2. Where an answer comes from

A worker takes the question from a queue, claims it, and asks the model. If that worker dies in the middle, another one finds the question and answers it. The claim has a number, and the number goes up with every claim, so the first worker could come back and would still not be able to write.`,
  `### 3. How it reaches you

1. The model sends a piece of text.
2. The worker numbers it and passes it on.
3. Every browser that has this conversation open applies it, if it is the next one.
4. A browser that misses a number asks for what it lacks.

The finished answer is stored first and shown as finished second.`,
  `### 4. What is kept

The conversation is a list of entries, each with the next number. That list is the truth; everything else, this live text included, can be thrown away and made again from it. What you read in it is stored encrypted.`,
  `### 5. When things break

> A model that is slow, down or talking nonsense gives you an answer that says so, with a way to try again.

Nobody else notices. A model that fails several times in a row is left alone for a while.`,
]
