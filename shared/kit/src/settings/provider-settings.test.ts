import { describe, expect, it } from '@jest/globals'
import { readProviders } from './provider-settings.ts'
import { readSettings, SettingsError } from './read-settings.ts'
import type { Env, ProcessKind } from './setting.ts'

function read(env: Env, kind: ProcessKind = 'standalone') {
  const faults: string[] = []
  const providers = readProviders({ env, kind, production: true, faults })
  return { faults, names: providers.map(({ name }) => name) }
}

describe('the demo', () => {
  it.each([
    ['ENDPOINT', 'https://api.models.net/v1', 'worker'],
    ['API_KEY', 'sk-marker-0123456789', 'standalone'],
    ['MODEL', 'large', 'gateway'],
  ] as const)('does not stay in the place of a model that has an %s', (field, value, kind) => {
    const env = { LLM_PROVIDER_1_TYPE: 'demo', [`LLM_PROVIDER_1_${field}`]: value }
    expect(read(env, kind).faults).toEqual([
      'LLM_PROVIDER_1_TYPE is demo, which takes no ENDPOINT, API_KEY or MODEL: say which type it is',
    ])
    expect(read({ ...env, LLM_PROVIDER_1_TYPE: 'openai' }, 'gateway').faults).toEqual([])
  })

  it('is called by its name, or Demo', () => {
    const demo = { LLM_PROVIDER_1_TYPE: 'demo' }
    expect(read(demo)).toEqual({ faults: [], names: ['Demo'] })
    expect(read({ ...demo, LLM_PROVIDER_1_ID: 'try' }).names).toEqual(['Demo'])
    expect(read({ ...demo, LLM_PROVIDER_1_NAME: 'Trial' })).toEqual({
      faults: [],
      names: ['Trial'],
    })
  })
})

function faultyNames(env: Env): string[] {
  try {
    readSettings(env)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    return error.faults.map((fault) => fault.split(' ')[0] ?? '')
  }
  return []
}

describe('providers', () => {
  it('are read in the order of their numbers, with defaults', () => {
    const { providers } = readSettings({
      LLM_PROVIDER_10_TYPE: 'demo',
      LLM_PROVIDER_2_TYPE: 'anthropic',
      LLM_PROVIDER_2_API_KEY: 'key',
      LLM_PROVIDER_2_MODEL: 'claude',
      LLM_PROVIDER_2_ID: 'main',
      LLM_PROVIDER_2_MAX_TOKENS: '500',
      LLM_PROVIDER_2_SYSTEM_PROMPT: 'Be brief.',
    })
    expect(providers).toEqual([
      {
        id: 'main',
        name: 'claude',
        type: 'anthropic',
        endpoint: undefined,
        apiKey: 'key',
        model: 'claude',
        maxTokens: 500,
        contextTokens: 8192,
        systemPrompt: 'Be brief.',
      },
      expect.objectContaining({ id: 'model-10', name: 'Demo', type: 'demo' }),
    ])
  })

  it('asks each type for what it needs', () => {
    const missing = (type: string) =>
      faultyNames({ LLM_PROVIDER_3_TYPE: type }).map((name) => name.replace('LLM_PROVIDER_3_', ''))
    expect(missing('openai')).toEqual(['ENDPOINT', 'API_KEY', 'MODEL'])
    expect(missing('anthropic')).toEqual(['API_KEY', 'MODEL'])
    expect(missing('dify')).toEqual(['ENDPOINT', 'API_KEY'])
    expect(missing('demo')).toEqual([])
  })
})
