import type { Message, SessionEvent } from '@chatbox/contract'
import { AppError } from './errors.ts'
import type { PromptMessage } from './ports/llm.ts'

export interface PromptSettings {
  systemPrompt: string
  /** The model's whole window, in tokens. */
  contextTokens: number
  /** Reserved for the reply, in tokens. */
  maxReplyTokens: number
  /** The most of the history to send. Without it, as much as fits. */
  history?: HistorySize | undefined
}

/** An amount of messages before the question. */
export interface HistorySize {
  messages: number
  /** As estimated. */
  tokens: number
}

export interface Prompt {
  system: string
  messages: PromptMessage[]
  /** How much of the history is in `messages`. */
  history: HistorySize
}

/** The overhead that a provider adds to each message. Common chat formats add 3 to 5 tokens. */
const TOKENS_PER_MESSAGE = 5

/**
 * Builds the prompt for `question`: the system prompt, then the newest part of the history that
 * fits, then the question. It contains whole messages only, each question followed by its latest
 * reply. Omits replies and messages that came after the question, so that a retry sees what the
 * first try saw, unless a person has had the chat since: then it is asked after that talk. `history`
 * is in log order and contains the question, and what the question asks about (see `findAsked`).
 * Throws `LLM_TOO_LONG` if the question alone does not fit.
 */
export function buildPrompt(
  history: readonly Message[],
  question: Message,
  settings: PromptSettings,
): Prompt {
  const { systemPrompt: system, contextTokens, maxReplyTokens } = settings
  const { id, content } = findAsked(history, question) ?? question
  const asked: PromptMessage = { role: 'user', content }
  const left = contextTokens - maxReplyTokens - cost({ content: system }) - cost(asked)
  if (left < 0) {
    throw new AppError(
      'LLM_TOO_LONG',
      'This message is too long for the model. Write a shorter one.',
    )
  }
  const most = settings.history ?? { messages: Infinity, tokens: Infinity }
  const untilSeq = findEnd(history, question)
  const before = history.filter((message) => message.seq <= untilSeq && message.id !== id)
  const turns = toTurns(before, latestReplies(history))
  const newest = takeNewest(turns, { ...most, tokens: Math.min(most.tokens, left) })
  return { system, messages: [...newest.turns, asked], history: newest.size }
}

/**
 * Returns the message that the model has to answer: the question, or for a hand-back what the user
 * wrote last before it. Returns undefined if a person has answered that.
 */
export function findAsked(history: readonly Message[], question: Message): Message | undefined {
  if (!question.event) return question
  const last = history.findLast(
    ({ seq, event, sender }) =>
      seq < question.seq && !event && (sender.type === 'user' || sender.type === 'admin'),
  )
  return last?.sender.type === 'user' ? last : undefined
}

/** Returns the seq of the question, or of the last hand-back since, which ended its first try. */
function findEnd(history: readonly Message[], { seq }: Message): number {
  const handBack = history.findLast(({ event }) => event?.type === 'takeover_ended')
  return Math.max(seq, handBack?.seq ?? 0)
}

/** Takes whole messages from the end, without replies whose question is not among them. */
function takeNewest(
  turns: readonly PromptMessage[],
  most: HistorySize,
): { turns: PromptMessage[]; size: HistorySize } {
  let { messages, tokens } = most
  /** The newest first. */
  const costs: number[] = []
  for (const turn of turns.toReversed()) {
    const tokensOfTurn = cost(turn)
    messages -= 1
    tokens -= tokensOfTurn
    if (messages < 0 || tokens < 0) break
    costs.push(tokensOfTurn)
  }
  const fitting = turns.slice(turns.length - costs.length)
  const first = fitting.findIndex(({ role, isOfPerson }) => role === 'user' || isOfPerson)
  const kept = first < 0 ? [] : beginWithUser(fitting.slice(first))
  const spent = costs.slice(0, kept.length).reduce((sum, one) => sum + one, 0)
  return { turns: kept, size: { messages: kept.length, tokens: spent } }
}

/**
 * Providers require that a conversation begins with the user. The line of a person's words says
 * whose they are, so they may stand there in the user's place.
 */
function beginWithUser(turns: PromptMessage[]): PromptMessage[] {
  const begin = turns.findIndex(({ isOfPerson }) => !isOfPerson)
  const count = begin < 0 ? turns.length : begin
  return turns.map((turn, at) => (at < count ? { ...turn, role: 'user' } : turn))
}

/** Returns half of an amount, which is none where there is one message. */
export function halfOf({ messages, tokens }: HistorySize): HistorySize {
  return { messages: Math.floor(messages / 2), tokens: Math.floor(tokens / 2) }
}

/** The messages in order, each question followed by its latest reply. */
function toTurns(
  history: readonly Message[],
  replies: ReadonlyMap<string, Message>,
): PromptMessage[] {
  /** The names of the persons who have written and not left, by id. */
  const present = new Map<string, string>()
  return history.flatMap((message): PromptMessage[] => {
    const { id, sender, event, content } = message
    const reply = replies.get(id)
    const answer: PromptMessage[] = reply ? [{ role: 'assistant', content: reply.content }] : []
    if (event) return [...toLeaving(event, present), ...answer]
    if (!hasText(message)) return []
    if (sender.type === 'admin') {
      present.set(sender.id, sender.name)
      return [toPersonal(message)]
    }
    return sender.type === 'user' ? [{ role: 'user', content }, ...answer] : []
  })
}

/**
 * What a person wrote, with who that is. The model otherwise takes it for its own words, and speaks
 * on as that person. The line says what is, because models obey what a line says will be: told that
 * a person takes over, they go on to say nothing.
 */
function toPersonal({ sender, content }: Message): PromptMessage {
  const line = `[${toLabel(sender.name)}, a person of the support team, wrote:]`
  return { role: 'assistant', content: `${line}\n${content}`, isOfPerson: true }
}

/** Removes those who leave from `present`. With a hand-back that is everybody who has written. */
function toLeaving(event: SessionEvent, present: Map<string, string>): PromptMessage[] {
  const from = event.type === 'takeover_started' ? event.from : undefined
  const isOver = event.type === 'takeover_ended'
  const leaving = [...present].filter(([id]) => isOver || id === from)
  return leaving.map(([id, name]) => {
    present.delete(id)
    return {
      role: 'assistant',
      content: `[${toLabel(name)} has left the chat.]`,
      isOfPerson: true,
    }
  })
}

/** A name cannot end the line that it is in. */
function toLabel(name: string): string {
  return name.replace(/[[\]\s\p{Cc}]+/gu, ' ').trim() || 'Somebody'
}

/** The last reply that has text, for each question. */
function latestReplies(history: readonly Message[]): Map<string, Message> {
  const replies = new Map<string, Message>()
  for (const message of history) {
    if (message.sender.type === 'ai' && message.replyTo && hasText(message)) {
      replies.set(message.replyTo, message)
    }
  }
  return replies
}

/** Providers reject a message without text. One that cannot be decrypted has none. */
function hasText({ content }: Message): boolean {
  return /\S/u.test(content)
}

function cost({ content }: Pick<PromptMessage, 'content'>): number {
  return estimateTokens(content) + TOKENS_PER_MESSAGE
}

/**
 * Estimates the number of tokens in `text`. The estimate is high, so that the prompt fits: one
 * token for every three ASCII characters (English averages four) and one for every other character
 * (CJK needs about one, accented Latin less).
 */
export function estimateTokens(text: string): number {
  return Math.ceil(weighTokens(text))
}

/** Returns the estimate before it is rounded, so that the pieces of a text add up to the whole. */
export function weighTokens(text: string): number {
  let ascii = 0
  let other = 0
  for (const character of text) {
    if (character.charCodeAt(0) < 0x80) ascii++
    else other++
  }
  return ascii / 3 + other
}
