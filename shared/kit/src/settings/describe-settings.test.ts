import { describe, expect, it } from '@jest/globals'
import { findMisspelledNames } from './describe-settings.ts'

describe('findMisspelledNames', () => {
  it.each([
    ['JWT_SECERT', 'JWT_SECRET'],
    ['LLM_PROVIDER_1_ENPOINT', 'LLM_PROVIDER_1_ENDPOINT'],
    ['LLM_PROVIDER_12_APIKEY', 'LLM_PROVIDER_12_API_KEY'],
    ['LLM_PROVIDER1_MODEL', 'LLM_PROVIDER_1_MODEL'],
    ['ALLOWED_ORIGIN', 'ALLOWED_ORIGINS'],
    ['ENCRYPTION_KEY', 'ENCRYPTION_KEYS'],
    ['MONGODB_URI', 'MONGO_URI'],
    ['REDIS_URI', 'REDIS_URL'],
    ['TRUST_PROXIES', 'TRUSTED_PROXIES'],
  ])('%s means %s', (name, meant) => {
    expect(findMisspelledNames({ [name]: 'x' })).toEqual([{ name, meant }])
  })

  it('names a provider field that is near none', () => {
    const name = 'LLM_PROVIDER_1_TEMPERATURE'
    expect(findMisspelledNames({ [name]: '1' })).toEqual([{ name, meant: undefined }])
  })

  it('says nothing of names that are right, or of other programs', () => {
    const names = ['JWT_SECRET', 'PORT', 'LLM_PROVIDER_1_ID', 'PATH', 'HOME', 'HOSTNAME', 'SHELL']
    const others = ['TERM', 'LOGNAME', 'NODE_OPTIONS', 'npm_config_x', 'PWD', 'JAVA_HOME', 'USER']
    const env = Object.fromEntries([...names, ...others].map((name) => [name, 'x']))
    expect(findMisspelledNames(env)).toEqual([])
  })
})
