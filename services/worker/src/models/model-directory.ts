import type { Llm, Prices } from '@chatbox/core'
import type { Logger, Metrics, ProviderSettings } from '@chatbox/kit'
import { TIMING, type Model } from '../context.ts'
import { withCircuitBreaker } from './circuit-breaker.ts'
import { createAnthropicProtocol } from './protocols/anthropic-llm.ts'
import { createDemoLlm, type Pause } from './protocols/demo-llm.ts'
import { createDifyProtocol } from './protocols/dify-llm.ts'
import { createOpenAiProtocol } from './protocols/openai-llm.ts'
import type { Protocol } from './protocols/protocol.ts'
import { createHttpLlm } from './transport/http-llm.ts'
import { Remembered } from './remembered.ts'
import { ModelServer } from './transport/model-server.ts'
import { heedLimit, ProviderLimit } from './provider-limit.ts'
import { LLM_TIMEOUTS, type LlmTimeouts } from './transport/reply-deadline.ts'
import { withMetrics } from './with-metrics.ts'

export interface ModelDirectory {
  find(modelId: string): Model | undefined
  /** Returns the models whose provider is not asked, because it keeps failing. */
  failing(): string[]
  /** Closes the connections to all providers after their replies have ended. */
  close(): Promise<void>
}

export interface ModelDirectoryParts {
  logger: Pick<Logger, 'info' | 'warn'>
  metrics: Pick<Metrics, 'providerCalled' | 'breakerOpen'>
}

export interface ModelDirectoryOptions {
  timeouts?: Partial<LlmTimeouts>
  /** How long a provider is not asked after five failures in a row. */
  breakerOpenMs?: number
  /**
   * Returns how long the text of a reply may gather before it is read; 0 reads it as it arrives.
   * Reading more often than deltas are sent gains nothing.
   */
  gatherMs?: () => number
  /**
   * How many questions to one model may wait for the limit that its provider states; 0 by default:
   * then each refusal is passed on.
   */
  maxWaiting?: number
  /** The pause of the demo model between words. */
  pause?: Pause
}

const BREAKER_OPEN_MS = 10_000

/** A model that got a larger window gets the whole history again after this time. */
const LENGTHS = { max: 1000, forMs: 60 * 60 * 1000 }

const PROTOCOLS: Record<
  Exclude<ProviderSettings['type'], 'demo'>,
  (provider: ProviderSettings) => Protocol
> = {
  openai: createOpenAiProtocol,
  anthropic: createAnthropicProtocol,
  dify: createDifyProtocol,
}

/**
 * Creates all configured models. Throws for an endpoint that is not allowed. The error names the
 * provider but not the endpoint.
 */
export function createModelDirectory(
  providers: readonly ProviderSettings[],
  parts: ModelDirectoryParts,
  options: ModelDirectoryOptions = {},
): ModelDirectory {
  const servers: ModelServer[] = []
  const failing = new Set<string>()
  const models = new Map<string, Model>()
  for (const provider of providers) {
    models.set(provider.id, {
      name: provider.name,
      llm: createLlm(provider, parts, { ...options, servers, failing }),
      prompt: {
        systemPrompt: provider.systemPrompt,
        contextTokens: provider.contextTokens,
        maxReplyTokens: provider.maxTokens,
      },
      lengths: new Remembered(LENGTHS),
      prices: toPrices(provider),
    })
  }
  return {
    find: (modelId) => models.get(modelId),
    failing: () => [...failing],
    close: async () => {
      await Promise.all(servers.splice(0).map((server) => server.close()))
    },
  }
}

function toPrices({ inputPrice, outputPrice }: ProviderSettings): Prices | undefined {
  if (inputPrice === undefined || outputPrice === undefined) return undefined
  return { input: inputPrice, output: outputPrice }
}

function createLlm(
  provider: ProviderSettings,
  { logger, metrics }: ModelDirectoryParts,
  options: ModelDirectoryOptions & { servers: ModelServer[]; failing: Set<string> },
): Llm {
  const { id, type, apiKey } = provider
  // The demo model has no back end that could fail, so it needs no circuit breaker.
  if (type === 'demo') return withMetrics(createDemoLlm(options.pause), id, metrics)
  const timeouts = { ...LLM_TIMEOUTS, ...options.timeouts }
  const protocol = createProtocol(provider, PROTOCOLS[type])
  const server = new ModelServer(timeouts.connectMs)
  options.servers.push(server)
  const gatherMs = options.gatherMs ?? (() => TIMING.deltaIntervalMs)
  const llm = createHttpLlm(protocol, { server, timeouts, gatherMs, apiKey })
  metrics.breakerOpen(id, false)
  const guarded = withCircuitBreaker(withMetrics(llm, id, metrics), {
    openMs: options.breakerOpenMs ?? BREAKER_OPEN_MS,
    onOpen: (open) => {
      metrics.breakerOpen(id, open)
      if (open) options.failing.add(id)
      else options.failing.delete(id)
      if (open) logger.warn({ modelId: id }, 'provider keeps failing, not asked for a while')
      else logger.info({ modelId: id }, 'provider answers again')
    },
  })
  const { maxWaiting = 0 } = options
  if (maxWaiting === 0) return guarded
  const onPause = (pauseMs: number) =>
    logger.warn({ modelId: id, pauseMs }, 'provider asks for a pause')
  return heedLimit(guarded, new ProviderLimit({ maxWaiting, onPause }))
}

function createProtocol(
  provider: ProviderSettings,
  create: (provider: ProviderSettings) => Protocol,
): Protocol {
  try {
    return create(provider)
  } catch {
    throw new Error(`provider ${provider.id} has an endpoint that may not be called`)
  }
}
