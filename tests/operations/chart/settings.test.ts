import { describeSettings, readSettings } from '@chatbox/kit'
import { expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toKey } from '../../../scripts/documents/chart-kind.ts'
import { GOVERNED } from '../../../scripts/documents/chart.ts'
import { describeUnless } from '../../support/describe-unless.ts'
import { toOthers } from './support/leaves.ts'
import { OTHER_VALUES } from './support/other-values.ts'
import { CI_FILES, readValues, render } from './support/render.ts'
import { containerOf, toEnv } from './support/settings.ts'
import { CHART, NO_TOOLS } from './support/tools.ts'

interface Schema {
  minimum?: number
  maximum?: number
  enum?: string[]
  properties?: Record<string, Schema>
  items?: Schema
}

const { settings, provider } = describeSettings()
const defaults = readValues().settings as Record<string, unknown>
const schema = JSON.parse(readFileSync(join(CHART, 'values.schema.json'), 'utf8')) as Schema
const schemas = schema.properties?.settings?.properties ?? {}
const EXTERNAL = '03-external-values.yaml'
const FIRST = CI_FILES[0] ?? ''
const COMPONENTS = ['gateway', 'worker'] as const

const settable = settings.filter(({ name, usedBy }) => {
  return !(name in GOVERNED) && COMPONENTS.some((kind) => usedBy.includes(kind))
})
/** What the memory limit holds, which the product does not know. */
const OTHER_DEFAULTS = ['MAX_CONNECTIONS', 'BUDGET_ADDRESS_TOKENS']

/** What says nothing where it is not one empty text. */
const EMPTY: Readonly<Record<string, unknown>> = { ALLOW_VISITORS: false }

/** As it stands in the environment. */
function toText(value: unknown): string {
  return Array.isArray(value) ? value.join() : String(value)
}

describeUnless(NO_TOOLS)('settings of the chart', () => {
  it('are those of the product, but for what the chart governs', () => {
    expect(Object.keys(defaults).toSorted()).toEqual(
      settable.map(({ name }) => toKey(name)).toSorted(),
    )
    expect(Object.keys(schemas).toSorted()).toEqual(Object.keys(defaults).toSorted())
    const names = settings.map(({ name }) => name)
    expect(names).toEqual(expect.arrayContaining(Object.keys(GOVERNED)))
  })

  it.each(settable)('$name has the default of the product', ({ name, default: text }) => {
    if (OTHER_DEFAULTS.includes(name)) return
    // Without one text for a default the key is empty and left out, or the flag is off.
    expect(toText(defaults[toKey(name)])).toBe(text ?? toText(EMPTY[name] ?? ''))
  })

  it.each(settable)('$name has the bounds of the product', ({ name, type }) => {
    const { minimum, maximum, enum: words } = schemas[toKey(name)] ?? {}
    const [, low, high] = /^(?:whole number|size), (\d+) to (\d+)/.exec(type) ?? []
    expect([minimum, maximum]).toEqual([low, high].map((text) => text && Number(text)))
    const known = type.startsWith('one of') ? [...type.matchAll(/`(\w+)`/g)] : undefined
    expect(words).toEqual(known?.map(([, word]) => word))
  })

  it.each(settable)('$name reaches who reads it, and nobody else', ({ name, usedBy }) => {
    const key = toKey(name)
    const path = `settings.${key}`
    const [other] = path in OTHER_VALUES ? [OTHER_VALUES[path]] : toOthers(defaults[key])
    // Foreign keys exclude tokens of the chart's own making, and both need a way to their host.
    const file = name === 'JWKS_URL' || name === 'OIDC_ISSUER' ? EXTERNAL : FIRST
    const value = typeof other === 'boolean' ? true : other
    const manifests = render(file, { set: { settings: { [key]: value } } })
    const told = COMPONENTS.filter((component) => {
      return toEnv(containerOf(manifests, component))[name] === toText(value)
    })
    const readers = COMPONENTS.filter((kind) => usedBy.includes(kind))
    expect(told).toEqual(readers)
  })

  it.each(CI_FILES)('of %s are taken by the product', (file) => {
    const manifests = render(file)
    for (const component of COMPONENTS) {
      const env = toEnv(containerOf(manifests, component))
      expect(() => readSettings(env, component)).not.toThrow()
      const migration = toEnv(containerOf(manifests, component, 'migrate'))
      expect(() => readSettings(migration, 'migrate')).not.toThrow()
    }
  })

  it('with an environment that the product would refuse are seen', () => {
    const env = toEnv(containerOf(render(FIRST), 'gateway'))
    expect(() => readSettings({ ...env, RATE_LIMIT: '1e+06' }, 'gateway')).toThrow('RATE_LIMIT')
  })

  it.each(CI_FILES)('of %s have names that the product knows', (file) => {
    const known = [...settings.map(({ name }) => name), 'NODE_EXTRA_CA_CERTS']
    const fields = provider.map(({ name }) => name.replace('LLM_PROVIDER_<n>_', ''))
    for (const component of COMPONENTS) {
      for (const name of Object.keys(toEnv(containerOf(render(file), component)))) {
        const [, field] = /^LLM_PROVIDER_[1-9]\d?_(.+)$/.exec(name) ?? []
        expect(field ? fields : known).toContain(field ?? name)
      }
    }
  })

  it('give visitors the budget that the product gives them in production', () => {
    const { BUDGET_ADDRESS_TOKENS: said, ...env } = toEnv(containerOf(render(FIRST), 'gateway'))
    const { addressTokens } = readSettings(env, 'gateway').budgets
    expect(addressTokens).toBeGreaterThan(0)
    expect(said).toBe(String(addressTokens))
  })

  it('keep large numbers whole', () => {
    const set = { settings: { maxConnections: 1_000_000 } }
    const env = toEnv(containerOf(render(FIRST, { set }), 'gateway'))
    expect(env.MAX_CONNECTIONS).toBe('1000000')
  })
})

describeUnless(NO_TOOLS)('model providers of the chart', () => {
  it('have the fields of the product', () => {
    const fields = provider.map(({ name }) => toKey(name.replace('LLM_PROVIDER_<n>_', '')))
    const keys = schema.properties?.llm?.properties?.providers?.items?.properties ?? {}
    const own = Object.keys(keys).map((key) => key.replace(/SecretKey$/, ''))
    expect(own.toSorted()).toEqual(fields.toSorted())
  })

  it('reach workers whole', () => {
    const { providers } = readSettings(toEnv(containerOf(render(EXTERNAL), 'worker')), 'worker')
    expect(providers).toMatchObject([
      {
        id: 'house',
        name: 'House model',
        type: 'openai',
        endpoint: 'https://models.inference.svc:8443/v1',
        apiKey: expect.any(String),
        model: 'house-7b',
        maxTokens: 2048,
        contextTokens: 1_000_000,
        systemPrompt:
          'You answer for the shop. Write prices as $(MODE) and "never" promise anything.',
      },
      { id: 'cloud', type: 'anthropic', apiKey: expect.any(String) },
      { id: 'flow', type: 'dify', endpoint: 'https://flows.site.org/v1' },
    ])
  })

  it('reach gateways by name alone, without a key or an address', () => {
    const { env = [] } = containerOf(render(EXTERNAL), 'gateway')
    const names = env.map(({ name }) => name).filter((name) => name.startsWith('LLM_'))
    expect(names.filter((name) => !/_(?:ID|NAME|TYPE|MODEL)$/.test(name))).toEqual([])
    const { providers } = readSettings(
      toEnv({ ...containerOf(render(EXTERNAL), 'gateway') }),
      'gateway',
    )
    expect(providers.map(({ id, name }) => [id, name])).toEqual([
      ['house', 'House model'],
      ['cloud', 'large'],
      ['flow', 'flow'],
    ])
  })
})

describeUnless(NO_TOOLS)('secrets', () => {
  it.each(CI_FILES)('of %s are read from the Secret and stand nowhere else', (file) => {
    const manifests = render(file)
    for (const component of COMPONENTS) {
      const { env = [] } = containerOf(manifests, component)
      const secret = env.filter(({ valueFrom }) => valueFrom).map(({ name }) => name)
      const expected = settings
        .filter(({ secret: isSecret, usedBy }) => isSecret && usedBy.includes(component))
        .map(({ name }) => name)
        .filter((name) => !(name === 'JWT_SECRET' && file === EXTERNAL))
        .filter((name) => !/^(?:SMTP_|SMS_|ALERT_|OIDC_)/.test(name) || file === EXTERNAL)
      expect(secret.filter((name) => !name.endsWith('_API_KEY')).toSorted()).toEqual(
        expected.toSorted(),
      )
    }
    const migration = containerOf(manifests, 'gateway', 'migrate').env ?? []
    expect(migration.filter(({ valueFrom }) => valueFrom).map(({ name }) => name)).toEqual([
      'MONGO_URI',
    ])
  })
})
