import type { LlmRequest, PromptMessage } from '@chatbox/core'

interface ChatMessage {
  role: PromptMessage['role'] | 'system' | 'developer'
  content: string
}

/** Where the system prompt goes: into a message of this role, or before the first user message. */
export type SystemPlace = 'system' | 'developer' | 'question'

/**
 * Builds the messages of a chat API: the system prompt in its place, then user and assistant in
 * turns, the question last. Servers whose chat template demands the alternation refuse every later
 * question of a log that breaks it once, and it breaks with each answer that failed, each message
 * to a person and each answer in two messages. Neighbours of one role are therefore joined by an
 * empty line. Leaving out questions without an answer would also alternate, but the next question
 * often needs them.
 */
export function toChatMessages(
  { system, messages }: Pick<LlmRequest, 'system' | 'messages'>,
  place: SystemPlace = 'system',
): ChatMessage[] {
  const turns = joinNeighbours(messages)
  if (system === '') return turns
  if (place !== 'question') return [{ role: place, content: system }, ...turns]
  return turns.map((turn, at) =>
    at === 0 ? { ...turn, content: joinTexts(system, turn.content) } : turn,
  )
}

/** Messages without a visible character are left out: they say nothing, and servers refuse them. */
function joinNeighbours(messages: readonly PromptMessage[]): PromptMessage[] {
  const joined: PromptMessage[] = []
  for (const { role, content } of messages) {
    if (!/\S/u.test(content)) continue
    const last = joined.at(-1)
    if (last?.role === role) last.content = joinTexts(last.content, content)
    else joined.push({ role, content })
  }
  return joined
}

export function joinTexts(first: string, second: string): string {
  return `${first}\n\n${second}`
}
