import { createHash } from 'node:crypto'
import type { LlmRequest, PromptMessage } from '@chatbox/core'
import type { ProviderSettings } from '@chatbox/kit'
import { z } from 'zod'
import { joinTexts } from './chat-messages.ts'
import { Dialect } from './dialect.ts'
import {
  toCallUrl,
  toUsageChunk,
  type Protocol,
  type ReaderChunk,
  type ReplyReader,
} from './protocol.ts'
import { parseEvent, toStatedError } from '../transport/provider-error.ts'

const DEFAULT_ENDPOINT = 'https://api.dify.ai/v1'

/** Dify's chat API: chatbots, agents and chatflows. */
export function createDifyProtocol(provider: ProviderSettings): Protocol {
  const endpoint = provider.endpoint ?? DEFAULT_ENDPOINT
  const url = toCallUrl(endpoint, '/chat-messages')
  const dialect = new Dialect(TRAITS)
  const toHeaders = (requestId: string): Record<string, string> => ({
    'x-request-id': requestId,
    ...(provider.apiKey ? { authorization: `Bearer ${provider.apiKey}` } : {}),
  })
  return {
    toCall: ({ system, messages, userId, requestId, conversationRef }) => {
      const conversation = parseConversationRef(conversationRef)
      const query = toDifyQuery(messages, conversation)
      const isInQuery = system !== '' && dialect.has('system-in-question')
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
      }
    },
    createReader: (request) => {
      const { read, readTaskId } = createDifyReader(request)
      return {
        read,
        // Dify keeps generating, and billing tokens, after the caller has disconnected.
        toStopCall: () => {
          const taskId = readTaskId()
          if (taskId === undefined) return undefined
          return {
            url: toCallUrl(endpoint, `/chat-messages/${encodeURIComponent(taskId)}/stop`),
            headers: toHeaders(request.requestId),
            body: { user: request.userId },
          }
        },
      }
    },
    onRefused: (refusal, request) => {
      // If Dify no longer knows the conversation, a new one starts with the whole history.
      if (refusal.status === 404 && request.conversationRef !== undefined) {
        return { ...request, conversationRef: undefined }
      }
      return dialect.learn(refusal) ? request : undefined
    },
  }
}

/** A variable of an app has a greatest length, 48 characters unless the app's owner raises it. */
const TRAITS = {
  'system-in-question': (refusal: string) => /\bsystem_prompt in input form\b/.test(refusal),
}

const eventSchema = z.object({
  event: z.string(),
  task_id: z.string().nullish(),
  conversation_id: z.string().nullish(),
  answer: z
    .string()
    .nullish()
    .transform((answer) => answer ?? ''),
  metadata: z
    .object({
      usage: z.object({ prompt_tokens: z.int(), completion_tokens: z.int() }).nullish(),
    })
    .nullish(),
  status: z.number().nullish(),
  code: z.string().nullish(),
  message: z.string().nullish(),
})
type DifyEvent = z.infer<typeof eventSchema>

interface DifyReader extends ReplyReader {
  readTaskId: () => string | undefined
}

function createDifyReader(request: LlmRequest): DifyReader {
  let taskId: string | undefined
  let conversationId: string | undefined
  let told = ''

  function onConversation(event: DifyEvent): ReaderChunk[] {
    taskId ??= event.task_id ?? undefined
    if (!event.conversation_id || event.conversation_id === conversationId) return []
    conversationId = event.conversation_id
    return [{ type: 'conversation', ref: toConversationRef(conversationId, request.messages) }]
  }

  function toText(text: string): ReaderChunk[] {
    told += text
    return text ? [{ type: 'text', text }] : []
  }

  function onEvent(event: DifyEvent): ReaderChunk[] {
    switch (event.event) {
      case 'message':
      case 'agent_message':
        return toText(event.answer)
      case 'message_replace':
        if (event.answer.startsWith(told)) return toText(event.answer.slice(told.length))
        // Shown text cannot be replaced within an attempt.
        throw toStatedError('the answer was replaced after it had been shown', false)
      case 'message_end':
        return toEnd(event)
      case 'error':
        throw toEventError(event)
      case 'agent_thought':
      case 'node_started':
      case 'node_finished':
        return [{ type: 'thinking' }]
      default:
        return []
    }
  }

  return {
    readTaskId: () => taskId,
    read: (data) => {
      const event = parseEvent(eventSchema, data)
      return [...onConversation(event), ...onEvent(event)]
    },
  }
}

function toEnd({ metadata }: DifyEvent): ReaderChunk[] {
  const usage = metadata?.usage
  const end: ReaderChunk = { type: 'end' }
  return usage ? [toUsageChunk(usage.prompt_tokens, usage.completion_tokens), end] : [end]
}

function toEventError({ status, code, message }: DifyEvent): Error {
  const said = [status, code, message].filter(Boolean).join(' ')
  return toStatedError(said, status == null || status === 429 || status >= 500)
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
  return messages[asked + 1]?.role === 'assistant' ? asked + 2 : asked + 1
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
