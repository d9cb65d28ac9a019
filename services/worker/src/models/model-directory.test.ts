import { describe, expect, it } from '@jest/globals'
import type { ProviderSettings } from '@chatbox/kit'
import { createModelDirectory, type ModelDirectory } from './model-directory.ts'

function create(...providers: Partial<ProviderSettings>[]): ModelDirectory {
  const parts = {
    logger: { info: () => undefined, warn: () => undefined },
    metrics: { providerCalled: () => undefined, breakerOpen: () => undefined },
  }
  const settings = providers.map((provider) => ({
    id: 'demo',
    name: 'Demo',
    type: 'demo' as const,
    endpoint: undefined,
    apiKey: undefined,
    model: undefined,
    maxTokens: 100,
    contextTokens: 1000,
    inputPrice: undefined,
    outputPrice: undefined,
    systemPrompt: 'Be kind.',
    ...provider,
  }))
  return createModelDirectory(settings, parts)
}

describe('the model directory', () => {
  it('finds every configured model by the id of its provider', async () => {
    const models = create(
      { id: 'a', name: 'A', type: 'openai' },
      { id: 'b', name: 'B', type: 'anthropic' },
      { id: 'c', name: 'C', type: 'dify' },
      { id: 'd', name: 'D' },
    )
    expect(['a', 'b', 'c', 'd'].map((id) => models.find(id)?.name)).toEqual(['A', 'B', 'C', 'D'])
    expect(models.find('a')?.prompt).toEqual({
      systemPrompt: 'Be kind.',
      contextTokens: 1000,
      maxReplyTokens: 100,
    })
    expect(models.find('e')).toBeUndefined()
    expect(models.find('__proto__')).toBeUndefined()
    await models.close()
    await models.close()
  })

  it.each(['ftp://host', 'https://user:secret@host', 'nonsense'])(
    'refuses the endpoint %s and does not repeat it',
    (endpoint) => {
      const build = (): unknown => create({ id: 'mine', type: 'openai', endpoint })
      expect(build).toThrow('provider mine has an endpoint that may not be called')
    },
  )
})
