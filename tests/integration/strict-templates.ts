import { sendStatus, streamReply, type Answer } from '../environment/model-server.ts'

export interface SentMessage {
  role: string
  content: string
}
/** Returns the body of the refusal, or undefined if the model takes these messages. */
export type Template = (messages: SentMessage[]) => string | undefined

export const say = (...pieces: string[]): Answer => streamReply({ pieces })

/** A model server that reads messages as strictly as its model's chat template. */
export function strict(template: Template, answer: Answer = say('fine')): Answer {
  return (exchange) => {
    const { messages } = exchange.request.body as { messages: SentMessage[] }
    const refusal = template(messages)
    return refusal === undefined ? answer(exchange) : sendStatus(400, refusal)(exchange)
  }
}

export const refusalOf = (message: string, code?: string): string =>
  JSON.stringify({ error: { message, code } })
const ALTERNATE = 'Conversation roles must alternate user/assistant/user/assistant/...'

const alternating: Template = (messages) => {
  const isRight = messages.every(({ role }, at) => role === (at % 2 ? 'assistant' : 'user'))
  return isRight ? undefined : refusalOf(ALTERNATE)
}
/** Mistral 7B Instruct v0.3: the system prompt has a place of its own. */
export const mistral: Template = (messages) =>
  alternating(messages[0]?.role === 'system' ? messages.slice(1) : messages)
export const gemma: Template = (messages) =>
  messages[0]?.role === 'system' ? refusalOf('System role not supported') : alternating(messages)
export const noSystem: Template = (messages) =>
  messages.some(({ role }) => role === 'system')
    ? refusalOf("Unsupported value: 'messages[0].role' does not support 'system' with this model.")
    : undefined
export const atMost =
  (count: number, code = 'context_length_exceeded'): Template =>
  (messages) =>
    messages.length > count ? refusalOf('too much', code) : undefined
