import type { ProviderSettings } from '@chatbox/kit'
import { createAnthropicReader } from './anthropic-events.ts'
import { toChatMessages } from './chat-messages.ts'
import { Dialect, refusesSystem } from '../dialect/dialect.ts'
import { toCallUrl, type Protocol } from './protocol.ts'

const DEFAULT_ENDPOINT = 'https://api.anthropic.com'
const API_VERSION = '2023-06-01'

/** Anthropic's Messages API. */
export function createAnthropicProtocol(provider: ProviderSettings): Protocol {
  const url = toCallUrl(provider.endpoint ?? DEFAULT_ENDPOINT, '/v1/messages')
  // Some servers with this API run models whose chat template has no place for a system prompt.
  const dialect = new Dialect({ 'system-in-question': refusesSystem })
  return {
    toCall: ({ system, messages, requestId }) => {
      const heeded = dialect.traits()
      return {
        url,
        headers: {
          'x-request-id': requestId,
          'anthropic-version': API_VERSION,
          ...(provider.apiKey ? { 'x-api-key': provider.apiKey } : {}),
        },
        body: {
          model: provider.model,
          max_tokens: provider.maxTokens,
          ...(heeded.has('system-in-question')
            ? { messages: toChatMessages({ system, messages }, 'question') }
            : {
                ...(system ? { system } : {}),
                messages: toChatMessages({ system: '', messages }),
              }),
          stream: true,
        },
        heeded,
      }
    },
    createReader: createAnthropicReader,
    onRefused: (refusal, request, { heeded }) =>
      dialect.learn(refusal, { request, heeded }) ? request : undefined,
  }
}
