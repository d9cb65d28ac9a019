import { createHash } from 'node:crypto'
import type { PromptMessage } from '@chatbox/core'
import type { ProviderSettings } from '@chatbox/kit'
import { joinTexts } from './chat-messages.ts'
import { Dialect } from '../dialect/dialect.ts'
import { createDifyReader } from './dify-events.ts'
import { toCallUrl, type Protocol } from './protocol.ts'

const DEFAULT_ENDPOINT = 'https://api.dify.ai/v1'
const ROOT = '/v1'

/** Dify's chat API: chatbots, agents and chatflows. */
export function createDifyProtocol(provider: ProviderSettings): Protocol {
  const endpoint = provider.endpoint ?? DEFAULT_ENDPOINT
  const url = toCallUrl(endpoint, '/chat-messages', ROOT)
  const dialect = new Dialect(TRAITS)
  const toHeaders = (requestId: string): Record<string, string> => ({
    'x-request-id': requestId,
    ...(provider.apiKey ? { authorization: `Bearer ${provider.apiKey}` } : {}),
  })
  return {
    toCall: ({ system, messages, userId, requestId, conversationRef }) => {
      const conversation = parseConversationRef(conversationRef)
      const query = toDifyQuery(messages, conversation)
      const heeded = dialect.traits()
      const isInQuery = system !== '' && heeded.has('system-in-question')
      return {
        url,
        headers: toHeaders(requestId),
        body: {
          // The prompt belongs to the Dify app, which reads ours from a variable with this name.
          inputs: system && !isInQuery ? { system_prompt: system } : {},
          // Dify knows the beginning of its own conversation.
          query: isInQuery && !conversation ? joinTexts(system, query) : query,
          response_mode: 'streaming',
          conversation_id: conversation?.id ?? '',
          user: userId,
          auto_generate_name: false,
        },
        heeded,
      }
    },
    createReader: (request) => {
      const toRef = (id: string) => toConversationRef(id, request.messages)
      const { readTaskId, ...reader } = createDifyReader(toRef)
      return {
        ...reader,
        // Dify keeps generating, and billing tokens, after the caller has disconnected.
        toStopCall: () => {
          const taskId = readTaskId()
          if (taskId === undefined) return undefined
          return {
            url: toCallUrl(endpoint, `/chat-messages/${encodeURIComponent(taskId)}/stop`, ROOT),
            headers: toHeaders(request.requestId),
            body: { user: request.userId },
          }
        },
      }
    },
    onRefused: (refusal, request, { heeded }) => {
      // If Dify no longer knows the conversation, a new one starts with the whole history.
      if (refusal.status === 404 && request.conversationRef !== undefined) {
        return { ...request, conversationRef: undefined }
      }
      return dialect.learn(refusal, { request, heeded }) ? request : undefined
    },
  }
}

/** A variable of an app has a greatest length, 48 characters unless the app's owner raises it. */
const TRAITS = {
  'system-in-question': (refusal: string) => /\bsystem_prompt in input form\b/.test(refusal),
}

/**
 * Builds the query for Dify. Dify keeps the history of its own conversations but has no field for
 * earlier turns from elsewhere: before the first question to Dify, with another model, or with an
 * operator. These turns precede the question as one JSON object per line, so that no text can end
 * the list or look like a turn.
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

interface DifyConversation {
  id: string
  /** Identifies the last question that Dify was asked in the conversation. */
  lastQuestion: string
}

/** Counts the earlier messages that Dify already has in its conversation. */
function countKnown(
  messages: readonly PromptMessage[],
  conversation: DifyConversation | undefined,
): number {
  if (!conversation) return 0
  const asked = messages.findLastIndex(
    ({ role, content }) => role === 'user' && toMark(content) === conversation.lastQuestion,
  )
  // The question is outside the prompt's window, or is asked again now.
  if (asked === -1 || asked === messages.length - 1) return messages.length - 1
  const next = messages[asked + 1]
  // What a person wrote is not Dify's answer.
  return next?.role === 'assistant' && !next.isOfPerson ? asked + 2 : asked + 1
}

/** Returns the reference to keep between two questions: Dify's id and the question's mark. */
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
