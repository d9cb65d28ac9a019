import {
  amount,
  identifier,
  integer,
  needsHttps,
  oneOf,
  plainText,
  prose,
  secretText,
  url,
} from './setting-types.ts'
import {
  readGroup,
  setting,
  type Env,
  type GroupValues,
  type Reading,
  type Setting,
} from './setting.ts'

const WORKER = ['standalone', 'worker'] as const

/**
 * `LLM_PROVIDER_<n>_<FIELD>`, n from 1 to 99. A gateway only shows the models, so only workers read
 * most fields. Compose, the chart and the documents are derived from this.
 */
export const PROVIDER_SETTINGS = {
  id: setting('ID', identifier(), {
    defaultNote: '`model-<n>`',
    about:
      'The id that sessions remember the model by. If it changes, these sessions fall back to the first model.',
  }),
  name: setting('NAME', plainText('text, at most 100 characters'), {
    defaultNote: 'its `MODEL`, or its id; `Demo` for the demo',
    about: 'The name that users see.',
  }),
  type: setting('TYPE', oneOf(['openai', 'anthropic', 'dify', 'demo']), {
    default: 'openai',
    about:
      'The protocol. `openai` is any compatible endpoint. `demo` is built in and takes no endpoint, key or model.',
  }),
  endpoint: setting('ENDPOINT', url(['https://', 'http://']), {
    defaultNote: "the provider's own for `anthropic`; required by `openai` and `dify`",
    about:
      'The base address, for example `https://api.openai.com/v1`. In production `http` is allowed only for this machine.',
    usedBy: WORKER,
    neededBy: ['openai', 'dify'],
  }),
  apiKey: setting('API_KEY', secretText(), {
    defaultNote: 'required, except by `demo`',
    about: 'The key for the provider. If your own server needs no key, give any word.',
    usedBy: WORKER,
    neededBy: ['openai', 'anthropic', 'dify'],
  }),
  model: setting('MODEL', plainText(), {
    defaultNote: 'required by `openai` and `anthropic`',
    about: "The provider's name of the model.",
    neededBy: ['openai', 'anthropic'],
  }),
  maxTokens: setting('MAX_TOKENS', integer(1, 1_000_000), {
    default: '1024',
    about: 'The longest reply, in tokens.',
    usedBy: WORKER,
  }),
  contextTokens: setting('CONTEXT_TOKENS', integer(256, 10_000_000), {
    default: '8192',
    about:
      "The model's whole context window, in tokens. It must be larger than `MAX_TOKENS`. If the history is longer, only its newest part is sent.",
    usedBy: WORKER,
  }),
  inputPrice: setting('INPUT_PRICE', amount(), {
    defaultNote: 'none',
    about:
      'The price of a million tokens that the model reads, in the unit of the budgets. Required by a budget of money; `0` for a model that costs nothing.',
    usedBy: WORKER,
  }),
  outputPrice: setting('OUTPUT_PRICE', amount(), {
    defaultNote: 'none',
    about: 'The price of a million tokens that the model writes.',
    usedBy: WORKER,
  }),
  systemPrompt: setting('SYSTEM_PROMPT', prose(), {
    otherwise: () => '',
    defaultNote: 'none',
    about: 'The instructions that the model gets before every conversation.',
    usedBy: WORKER,
  }),
}

export type ProviderSettings = GroupValues<typeof PROVIDER_SETTINGS> & { id: string; name: string }

interface NumberedProvider {
  n: number
  provider: ProviderSettings
}

/** The prefix of the n-th provider's settings. */
export function toPrefix(n: number | '<n>'): string {
  return `LLM_PROVIDER_${n}_`
}

const PROVIDER_NAME = /^LLM_PROVIDER_([1-9]\d?)_([A-Z_]+)$/
const FIELDS: readonly string[] = Object.values(PROVIDER_SETTINGS).map(({ name }) => name)
const MAX_NAME_LENGTH = 100

/** Answers if no provider is configured, outside production only. */
const DEMO = { LLM_PROVIDER_1_TYPE: 'demo', LLM_PROVIDER_1_ID: 'demo' }

/**
 * Reads every `LLM_PROVIDER_<n>_*` family in the order of n. The first one is the default model.
 */
export function readProviders(reading: Reading): ProviderSettings[] {
  const providers = providerNumbers(reading.env).map((n) => readProvider(n, reading))
  if (providers.length === 0 && !reading.production) {
    return [readProvider(1, { ...reading, env: DEMO }).provider]
  }
  if (providers.length === 0) {
    reading.faults.push('LLM_PROVIDER_1_TYPE is missing: no model provider is configured')
  }
  reading.faults.push(...doubleIds(providers))
  return providers.map(({ provider }) => provider)
}

function providerNumbers(env: Env): number[] {
  const numbers = Object.keys(env).flatMap((name) => {
    const [, n, field = ''] = PROVIDER_NAME.exec(name) ?? []
    return FIELDS.includes(field) ? [Number(n)] : []
  })
  return [...new Set(numbers)].sort((a, b) => a - b)
}

function readProvider(n: number, reading: Reading): NumberedProvider {
  const prefix = toPrefix(n)
  const values = readGroup(PROVIDER_SETTINGS, { ...reading, prefix })
  const id = values.id ?? `model-${n}`
  const name = values.name ?? values.model ?? (values.type === 'demo' ? 'Demo' : id)
  const provider = { ...values, id, name }
  const faults = [
    ...missingFields(provider.type, { ...reading, prefix }),
    ...providerFaults(provider, reading.production),
  ]
  reading.faults.push(...faults.map((fault) => `${prefix}${fault}`))
  return { n, provider }
}

/** A gateway only shows the models, so it starts without the fields that call them. */
function missingFields(type: string, { env, kind, prefix = '' }: Reading): string[] {
  if (kind === 'gateway') return []
  return Object.values<Setting>(PROVIDER_SETTINGS)
    .filter(({ name, neededBy }) => neededBy?.includes(type) && env[prefix + name] === undefined)
    .map(({ name }) => `${name} is missing: type ${type} needs it`)
}

function providerFaults(provider: ProviderSettings, production: boolean): string[] {
  const faults: string[] = []
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
  if ((provider.inputPrice === undefined) !== (provider.outputPrice === undefined)) {
    faults.push('INPUT_PRICE and OUTPUT_PRICE go together: give both or neither')
  }
  return faults
}

/** Otherwise settings for a real model would be ignored, and the demo would answer instead. */
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
