import type { ProviderSettings } from '@chatbox/kit'
import { toChatMessages, type SystemPlace } from './chat-messages.ts'
import { Dialect, refusesSystem } from '../dialect/dialect.ts'
import { createOpenAiReader } from './openai-events.ts'
import { toCallUrl, type Protocol } from './protocol.ts'

const DEFAULT_ENDPOINT = 'https://api.openai.com/v1'

type Trait = 'no-usage' | 'completion-limit' | 'developer' | 'system-in-question'

/**
 * Many servers use the protocol. Some reject `stream_options` or the role `system`, and newer models
 * expect their limit under another name. A limit is never left out, because replies cost money.
 */
const TRAITS: Record<Trait, (refusal: string) => boolean> = {
  'no-usage': (refusal) => /stream_options|include_usage/.test(refusal),
  'completion-limit': (refusal) => refusal.includes('max_completion_tokens'),
  developer: (refusal) => refusesSystem(refusal) && namesDeveloper(refusal),
  'system-in-question': (refusal) => refusesSystem(refusal) && !namesDeveloper(refusal),
}

/** Returns whether a refusal of `system` names `developer` as the role to use. */
function namesDeveloper(refusal: string): boolean {
  return /\bsystem\b/i.test(refusal) && /\bdeveloper\b/i.test(refusal)
}

/** Chat Completions of OpenAI and compatible servers. */
export function createOpenAiProtocol(provider: ProviderSettings): Protocol {
  const url = toCallUrl(provider.endpoint ?? DEFAULT_ENDPOINT, '/chat/completions', '/v1')
  const dialect = new Dialect(TRAITS)
  return {
    toCall: (request) => {
      const heeded = dialect.traits()
      return {
        url,
        headers: {
          'x-request-id': request.requestId,
          ...(provider.apiKey ? { authorization: `Bearer ${provider.apiKey}` } : {}),
        },
        body: {
          model: provider.model,
          messages: toChatMessages(request, toSystemPlace(heeded)),
          stream: true,
          ...(heeded.has('no-usage') ? {} : { stream_options: { include_usage: true } }),
          [heeded.has('completion-limit') ? 'max_completion_tokens' : 'max_tokens']:
            provider.maxTokens,
        },
        heeded,
      }
    },
    createReader: createOpenAiReader,
    onRefused: (refusal, request, { heeded }) =>
      dialect.learn(refusal, { request, heeded }) ? request : undefined,
  }
}

function toSystemPlace(heeded: ReadonlySet<Trait>): SystemPlace {
  if (heeded.has('system-in-question')) return 'question'
  return heeded.has('developer') ? 'developer' : 'system'
}
