import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { describeSettings } from './describe-settings.ts'
import { listSecrets, printConfig } from './print-config.ts'
import { readSettings } from './read-settings.ts'
import { createScrubber } from '../logging/redaction.ts'

const env = {
  MODE: 'cluster',
  JWT_SECRET: randomBytes(48).toString('base64url'),
  ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
  REDIS_URL: 'rediss+sentinel://app:marker-one@a:1,b:2/group?sentinelPassword=marker-two',
  MONGO_URI:
    'mongodb://app:marker%2Dthree@a:1,b:2/?authMechanismProperties=AWS_SESSION_TOKEN:marker-four&w=1',
  LLM_PROVIDER_1_TYPE: 'anthropic',
  LLM_PROVIDER_1_API_KEY: 'marker-five',
  LLM_PROVIDER_1_MODEL: 'claude',
}

describe('printConfig', () => {
  it('prints every setting by its name and no secret', () => {
    const settings = readSettings(env, 'worker')
    const printed = printConfig(settings)
    const names = describeSettings().settings.map(({ name }) => name)
    for (const name of [...names, 'LLM_PROVIDER_1_API_KEY']) {
      expect(printed).toContain(`"${name}": `)
    }
    expect(printed).not.toMatch(/marker/)
    for (const secret of listSecrets(settings)) expect(printed).not.toContain(secret)
    expect(JSON.parse(printed)).toMatchObject({
      JWT_SECRET: '[hidden]',
      ENCRYPTION_KEYS: ['k1:[hidden]'],
      REDIS_URL: 'rediss+sentinel://app:[hidden]@a:1,b:2/group?sentinelPassword=[hidden]',
      JWKS_URL: null,
      DRAIN_TIMEOUT: '30000ms',
    })
  })

  it('lists the same secrets for the log to hide, in every form', () => {
    const scrub = createScrubber(listSecrets(readSettings(env, 'worker')))
    const markers = ['one', 'two', 'three', 'four', 'five'].map((number) => `marker-${number}`)
    for (const secret of [...markers, env.JWT_SECRET, env.ENCRYPTION_KEYS.slice(3)]) {
      expect(scrub(`x=${secret}&`)).toBe('x=[hidden]&')
    }
  })
})
