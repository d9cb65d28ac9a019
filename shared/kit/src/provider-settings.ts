import { needsHttps } from './loopback.ts'
import { PROVIDER_RULES, type ProviderField } from './setting-rules.ts'
import { readValues, type Env } from './setting-values.ts'
import type { ProcessKind, ProviderSettings } from './settings.ts'

interface ReadOptions {
  kind: ProcessKind
  production: boolean
  faults: string[]
}

interface NumberedProvider {
  n: number
  provider: ProviderSettings
}

const PROVIDER_NAME = /^LLM_PROVIDER_([1-9]\d?)_([A-Z_]+)$/
const ID = /^[\w.-]{1,64}$/
const MAX_NAME_LENGTH = 100

/** What each type cannot do without. */
const REQUIRED: Record<ProviderSettings['type'], readonly ProviderField[]> = {
  openai: ['ENDPOINT', 'API_KEY', 'MODEL'],
  anthropic: ['API_KEY', 'MODEL'],
  dify: ['ENDPOINT', 'API_KEY'],
  demo: [],
}

/** What answers where no provider is configured: outside production only. */
const DEMO: ProviderSettings = {
  id: 'demo',
  name: 'Demo',
  type: 'demo',
  endpoint: undefined,
  apiKey: undefined,
  model: undefined,
  maxTokens: 1024,
  contextTokens: 8192,
  systemPrompt: '',
}

/** Every `LLM_PROVIDER_<n>_*` family in the order of n; the first one is the default model. */
export function readProviders(env: Env, options: ReadOptions): ProviderSettings[] {
  const providers = providerNumbers(env).map((n) => readProvider(env, n, options))
  if (providers.length === 0 && !options.production) return [DEMO]
  if (providers.length === 0) {
    options.faults.push('LLM_PROVIDER_1_TYPE is missing: no model provider is configured')
  }
  options.faults.push(...doubleIds(providers))
  return providers.map(({ provider }) => provider)
}

function providerNumbers(env: Env): number[] {
  const numbers = Object.keys(env).flatMap((name) => {
    const [, n, field = ''] = PROVIDER_NAME.exec(name) ?? []
    return Object.hasOwn(PROVIDER_RULES, field) ? [Number(n)] : []
  })
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function readProvider(env: Env, n: number, options: ReadOptions): NumberedProvider {
  const prefix = `LLM_PROVIDER_${n}_`
  const values = readValues(env, PROVIDER_RULES, { prefix, faults: options.faults })
  const id = values.ID ?? `model-${n}`
  const provider: ProviderSettings = {
    id,
    name: values.NAME ?? values.MODEL ?? (values.TYPE === 'demo' ? DEMO.name : id),
    type: values.TYPE,
    endpoint: values.ENDPOINT,
    apiKey: values.API_KEY,
    model: values.MODEL,
    maxTokens: values.MAX_TOKENS,
    contextTokens: values.CONTEXT_TOKENS,
    systemPrompt: values.SYSTEM_PROMPT ?? '',
  }
  options.faults.push(
    ...missingFields(env, { n, provider }, options.kind),
    ...providerFaults(provider, options.production).map((fault) => `${prefix}${fault}`),
  )
  return { n, provider }
}

/** A gateway only shows the models: it may be spared the keys. */
function missingFields(env: Env, { n, provider }: NumberedProvider, kind: ProcessKind): string[] {
  if (kind === 'gateway') return []
  return REQUIRED[provider.type]
    .map((field) => `LLM_PROVIDER_${n}_${field}`)
    .filter((name) => env[name] === undefined)
    .map((name) => `${name} is missing: type ${provider.type} needs it`)
}

function providerFaults(provider: ProviderSettings, production: boolean): string[] {
  const faults: string[] = []
  if (!ID.test(provider.id)) {
    faults.push('ID must be letters, digits, -, _ and ., at most 64 of them')
  }
  if (provider.name.length > MAX_NAME_LENGTH) {
    faults.push(`NAME has more than ${MAX_NAME_LENGTH} characters`)
  }
  if (isDemoByMistake(provider)) {
    faults.push('TYPE is demo, which takes no ENDPOINT, API_KEY or MODEL: say which type it is')
  }
  if (provider.endpoint !== undefined && needsHttps(provider.endpoint, production)) {
    faults.push('ENDPOINT must be https in production')
  }
  if (provider.maxTokens >= provider.contextTokens) {
    faults.push('MAX_TOKENS must be smaller than CONTEXT_TOKENS: both share the window')
  }
  return faults
}

/** What was given for a real model would go unused, and the demo would answer in its place. */
function isDemoByMistake({ type, endpoint, apiKey, model }: ProviderSettings): boolean {
  return type === 'demo' && [endpoint, apiKey, model].some((value) => value !== undefined)
}

function doubleIds(providers: readonly NumberedProvider[]): string[] {
  return providers.flatMap(({ n, provider: { id } }) => {
    const first = providers.find(({ provider }) => provider.id === id)
    return first && first.n < n
      ? [`LLM_PROVIDER_${n}_ID is the same as that of LLM_PROVIDER_${first.n}`]
      : []
  })
}
