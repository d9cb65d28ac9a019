import { describe, expect, it } from '@jest/globals'
import { readSettings, SettingsError } from './read-settings.ts'

const SECRET = 'b6d1f0a3c97e42588d0f7a6be1c4935af6827d1094be3c75'
const KEYS = `1:${Buffer.from(SECRET.padEnd(64, 'e5'), 'hex').toString('base64')}`
const read = (env: Record<string, string>) => readSettings({ JWT_SECRET: SECRET, ...env })

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    read(env)
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
}

describe('OPERATORS', () => {
  it('is a list of addresses in lower case with their roles', () => {
    const { operators } = read({ OPERATORS: 'Olga@Site.org:chat_admin, paul@site.org:admin' })
    expect(operators.list).toEqual([
      { address: 'olga@site.org', role: 'chat_admin' },
      { address: 'paul@site.org', role: 'admin' },
    ])
  })

  it('names one operator in a trial, and nobody in a cluster', () => {
    expect(read({}).operators.list).toEqual([{ address: 'operator@localhost', role: 'admin' }])
    const cluster = { REDIS_URL: 'redis://r', MONGO_URI: 'mongodb://m', ENCRYPTION_KEYS: KEYS }
    const { operators } = readSettings({ JWT_SECRET: SECRET, ...cluster }, 'gateway')
    expect(operators.list).toEqual([])
  })

  it.each([
    ['no role', 'olga@site.org'],
    ['the role of everybody', 'olga@site.org:user'],
    ['a role that is none', 'olga@site.org:root'],
    ['no address', 'olga:admin'],
    ['an empty entry', 'olga@site.org:admin,'],
    ['another separator', 'olga@site.org:admin;paul@site.org:admin'],
    ['a name with the address', 'Olga <olga@site.org>:admin'],
    ['a line break in the address', 'olga@site.org\n:admin'],
  ])('refuses %s and says how it is written', (_what, text) => {
    const [fault, ...others] = faultsOf({ OPERATORS: text })
    expect(fault).toMatch(/^OPERATORS must list mail addresses with their roles, such as/)
    expect(others).toEqual([])
  })

  it('refuses an address twice, also in other letters, and a directory', () => {
    expect(faultsOf({ OPERATORS: 'a@b.org:admin,A@B.org:chat_admin' })).toEqual([
      'OPERATORS names an address twice',
    ])
    const many = Array.from({ length: 1001 }, (_, i) => `u${i}@b.org:admin`).join(',')
    expect(faultsOf({ OPERATORS: many })).toEqual(['OPERATORS names more than 1000 operators'])
  })
})

describe('the settings of OpenID Connect', () => {
  it.each([
    [{ OIDC_CLIENT_ID: 'chat' }, 'OIDC_CLIENT_ID needs OIDC_ISSUER'],
    [{ OIDC_ROLES_CLAIM: 'roles' }, 'OIDC_ROLES_CLAIM needs OIDC_ISSUER'],
    [{ OIDC_ISSUER: 'https://id.site.org' }, 'OIDC_CLIENT_ID is missing: OIDC_ISSUER needs it'],
  ])('belong together: %j', (env, fault) => {
    expect(faultsOf(env as Record<string, string>)).toEqual([fault])
  })

  it('want https in production, but not for this machine', () => {
    const faults = (issuer: string) =>
      faultsOf({ NODE_ENV: 'production', OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'chat' })
    const fault = 'OIDC_ISSUER must be https in production'
    expect(faults('http://id.site.org')).toContain(fault)
    expect(faults('http://127.0.0.1:9')).not.toContain(fault)
    expect(faults('https://id.site.org')).not.toContain(fault)
  })
})
