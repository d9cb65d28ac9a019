import { describe, expect, it } from '@jest/globals'
import { readProviders } from './provider-settings.ts'
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
