import type { Message } from '@chatbox/contract'
import { AppError } from './errors.ts'
import type { PromptMessage } from './ports/llm.ts'

export interface PromptSettings {
  systemPrompt: string
  /** The model's whole window, in tokens. */
  contextTokens: number
  /** Reserved for the reply, in tokens. */
  maxReplyTokens: number
}

export interface Prompt {
  system: string
  messages: PromptMessage[]
}

/** The overhead that a provider adds to each message. Common chat formats add 3 to 5 tokens. */
const TOKENS_PER_MESSAGE = 5

/**
 * Builds the prompt for `question`: the system prompt, then the newest part of the history that
 * fits. It contains whole messages only, each question followed by its latest reply. Omits replies
 * and messages that came after the question, so that a retry sees what the first try saw. `history`
 * is in log order and contains the question. Throws `LLM_UNAVAILABLE` if the question alone does
 * not fit.
 */
export function buildPrompt(
  history: readonly Message[],
  question: Message,
  settings: PromptSettings,
): Prompt {
  const turns = toTurns(history, question)
  let budget = settings.contextTokens - settings.maxReplyTokens - cost(settings.systemPrompt)
  const kept: PromptMessage[] = []
  for (const turn of turns.reverse()) {
    budget -= cost(turn.content)
    if (budget < 0) break
    kept.unshift(turn)
  }
  if (kept.length === 0) {
    throw new AppError('LLM_UNAVAILABLE', 'This message is too long for the chosen model.', {
      retryable: false,
    })
  }
  return { system: settings.systemPrompt, messages: withoutLeadingReplies(kept) }
}

function toTurns(history: readonly Message[], question: Message): PromptMessage[] {
  const replies = latestReplies(history)
  return history
    .filter((message) => message.seq <= question.seq && message.kind !== 'event')
    .flatMap((message): PromptMessage[] => {
      // Providers reject a message without text. One that cannot be decrypted has none.
      if (message.id !== question.id && !/\S/u.test(message.content)) return []
      if (message.sender.type === 'admin') return [{ role: 'assistant', content: message.content }]
      if (message.sender.type !== 'user') return []
      const reply = message.id === question.id ? undefined : replies.get(message.id)
      const asked: PromptMessage = { role: 'user', content: message.content }
      return reply ? [asked, { role: 'assistant', content: reply.content }] : [asked]
    })
}

/** The last reply that has text, for each question. */
function latestReplies(history: readonly Message[]): Map<string, Message> {
  const replies = new Map<string, Message>()
  for (const message of history) {
    if (message.sender.type === 'ai' && message.replyTo && message.content) {
      replies.set(message.replyTo, message)
    }
  }
  return replies
}

/** Providers require that a conversation begins with the user. */
function withoutLeadingReplies(messages: PromptMessage[]): PromptMessage[] {
  const first = messages.findIndex((message) => message.role === 'user')
  return messages.slice(first)
}

function cost(content: string): number {
  return estimateTokens(content) + TOKENS_PER_MESSAGE
}

/**
 * Estimates the number of tokens in `text`. The estimate is high, so that the prompt fits: one
 * token for every three ASCII characters (English averages four) and one for every other character
 * (CJK needs about one, accented Latin less).
 */
export function estimateTokens(text: string): number {
  let ascii = 0
  let other = 0
  for (const character of text) {
    if (character.charCodeAt(0) < 0x80) ascii++
    else other++
  }
  return Math.ceil(ascii / 3) + other
}
