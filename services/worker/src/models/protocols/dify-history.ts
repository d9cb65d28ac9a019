import type { PromptMessage } from '@chatbox/core'
import { createHash } from 'node:crypto'

/**
 * Dify keeps the history of its own conversations and has no field for one that happened elsewhere:
 * before the first question to it, with another model, or with an operator. Such turns go before
 * the question, one JSON object a line, so that no text can end the list or pass for a turn.
 */
export function toDifyQuery(
  messages: readonly PromptMessage[],
  conversation: DifyConversation | undefined,
): string {
  const question = messages.at(-1)?.content ?? ''
  const untold = messages.slice(0, -1).slice(countKnown(messages, conversation))
  if (untold.length === 0) return question
  const lines = untold.map(({ role, content }) => JSON.stringify({ role, content }))
  return [HISTORY_BEGINS, ...lines, HISTORY_ENDS, question].join('\n')
}

const HISTORY_BEGINS = 'Earlier in this conversation, one message a line, oldest first:'
const HISTORY_ENDS = 'End of the earlier messages. The message to answer:'

export interface DifyConversation {
  id: string
  /** Tells the last question that Dify was asked in it. */
  lastQuestion: string
}

/** How many of the earlier messages Dify has in its own conversation. */
function countKnown(
  messages: readonly PromptMessage[],
  conversation: DifyConversation | undefined,
): number {
  if (!conversation) return 0
  const asked = messages.findLastIndex(
    ({ role, content }) => role === 'user' && toMark(content) === conversation.lastQuestion,
  )
  // Out of the prompt's window, or asked again just now.
  if (asked === -1 || asked === messages.length - 1) return messages.length - 1
  return messages[asked + 1]?.role === 'assistant' ? asked + 2 : asked + 1
}

/** What is kept of a conversation between two questions: Dify's id and the mark of the question. */
export function toConversationRef(id: string, messages: readonly PromptMessage[]): string {
  return `${id} ${toMark(messages.at(-1)?.content ?? '')}`
}

export function parseConversationRef(ref: string | undefined): DifyConversation | undefined {
  const [id, lastQuestion] = ref?.split(' ') ?? []
  return id && lastQuestion ? { id, lastQuestion } : undefined
}

function toMark(content: string): string {
  return createHash('sha256').update(content).digest('base64url').slice(0, 22)
}
