import { describe, expect, it } from '@jest/globals'
import { printConfig } from '../settings/settings-in-force.ts'
import { readSettings, SettingsError } from '../settings/read-settings.ts'
import type { Env, ProcessKind } from '../settings/setting.ts'

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwT1a0QbYm7dE='
const OTHER = 'whsec_Zr3YQ4p0mW8dN1xKc6uT7vB2sA9eLhGfJ5iOoRkEwXs='
const MAIL = { SMTP_HOST: 'mail.site.org', EMAIL_FROM: 'Chat <chat@site.org>' }
const SMS = { SMS_ACCOUNT_SID: 'AC00', SMS_AUTH_TOKEN: 'f00dfeed12', SMS_FROM: 'Chat' }
const ALL = {
  ...MAIL,
  ...SMS,
  ...{ SMTP_USER: 'chat', SMTP_PASS: 'correct horse', ADMIN_EMAILS: 'a@site.org,b@site.org' },
  ...{ ADMIN_PHONES: '+4915112345678', ALERT_WEBHOOK_URL: 'https://hooks.site.org/h00k' },
  ...{ ALERT_WEBHOOK_SECRET: `${SECRET}, ${OTHER}`, ALERT_CHAT_URL: 'https://chat.org/ch4t' },
  ALERT_TEAMS_URL: 'https://flows.org/fl0w?sig=s1g',
}
const PRODUCTION = {
  NODE_ENV: 'production',
  REDIS_URL: 'redis://127.0.0.1:6379',
  MONGO_URI: 'mongodb://127.0.0.1:27017',
  ENCRYPTION_KEYS: 'k1:kq0Zb1Xy9cW3uJ7sT5vR2nM8hL4gF6dA0eQpYiOoKxE=',
  LLM_PROVIDER_1_TYPE: 'demo',
  PUBLIC_URL: 'https://chat.site.org',
}

function faultsOf(env: Env, kind: ProcessKind = 'standalone'): readonly string[] {
  try {
    readSettings(env, kind)
  } catch (error) {
    if (error instanceof SettingsError) return error.faults
    throw error
  }
  return []
}

describe('channels', () => {
  it('take good settings', () => {
    expect(readSettings(ALL).alerts).toMatchObject({
      mailFrom: { name: 'Chat', address: 'chat@site.org' },
      mailTo: ['a@site.org', 'b@site.org'],
      ...{ smtpPort: 587, smtpTls: 'starttls', privateAddresses: false, visitorText: false },
      webhookSecrets: [SECRET, OTHER],
    })
    expect(faultsOf({ ...PRODUCTION, ...ALL }, 'worker')).toEqual([])
    expect(faultsOf(PRODUCTION, 'worker')).toEqual([])
  })

  it('are printed without their secrets', () => {
    const printed = printConfig(readSettings(ALL))
    for (const secret of ['correct horse', 'f00dfeed12', 'h00k', 'ch4t', 'fl0w', 's1g', 'MfKQ9']) {
      expect(printed).not.toContain(secret)
    }
  })

  it.each([
    ['SMTP_PORT', '0'],
    ['SMTP_TLS', 'maybe'],
    ['EMAIL_FROM', 'chat'],
    ['EMAIL_FROM', 'Chat <chat@site.org> x'],
    ['EMAIL_FROM', 'Chat\n<chat@site.org>'],
    ['EMAIL_FROM', 'a@b.org, c@d.org'],
    ['ADMIN_EMAILS', 'first@mail.org,'],
    ['ADMIN_EMAILS', 'ops@site.org;boss@site.org'],
    ['ADMIN_EMAILS', 'Ops <ops@site.org>'],
    ['ADMIN_EMAILS', 'ops@site.org\r\nBcc: all@site.org'],
    ['ADMIN_PHONES', '015112345678'],
    ['ADMIN_PHONES', '+49 151 12345678'],
    ['ADMIN_PHONES', '+4915112345678901'],
    ['SMS_FROM', 'A name that is too long'],
    ['SMS_FROM', '12345'],
    ['SMS_ENDPOINT', 'api.twilio.com'],
    ['SMS_ACCOUNT_SID', 'AC/../x'],
    ['ALERT_WEBHOOK_URL', 'ftp://hooks.site.org'],
    ['ALERT_WEBHOOK_URL', 'https://user:pw@hooks.site.org'],
    ['ALERT_WEBHOOK_SECRET', 'whsec_c2hvcnQ='],
    ['ALERT_WEBHOOK_SECRET', SECRET.slice(6)],
    ['ALERT_WEBHOOK_SECRET', `${SECRET},${OTHER},${SECRET}`],
    ['ALERT_WEBHOOK_SECRET', `whsec_${Buffer.alloc(32).toString('base64')}`],
    ['ALERT_WEBHOOK_SECRET', 'whsec_CHANGE_ME'],
    ['ALERT_CHAT_URL', 'hooks.slack.com/services'],
    ['ALERT_CHAT_URL', 'https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX'],
    ['ALERT_TEAMS_URL', 'https://REPLACE_WITH_ADDRESS'],
    ['ALERT_PRIVATE_ADDRESSES', 'yes'],
    ['ALERT_VISITOR_TEXT', '1'],
  ])('refuse %s=%j by name, without the value', (name, value) => {
    const faults = faultsOf({ ...ALL, [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]?.startsWith(`${name} `)).toBe(true)
    if (value.length > 5) expect(faults[0]).not.toContain(value)
  })

  it.each([
    ['EMAIL_FROM', 'SMTP_HOST'],
    ['SMTP_PASS', 'SMTP_USER'],
    ['SMTP_USER', 'SMTP_PASS'],
    ['SMS_AUTH_TOKEN', 'SMS_ACCOUNT_SID'],
    ['SMS_FROM', 'SMS_ACCOUNT_SID'],
    ['SMS_ACCOUNT_SID', 'ADMIN_PHONES'],
    ['ALERT_WEBHOOK_SECRET', 'ALERT_WEBHOOK_URL'],
    ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
  ])('miss %s, because %s needs it', (name, other) => {
    expect(faultsOf({ ...ALL, [name]: undefined })).toEqual([
      `${name} is missing: ${other} needs it`,
    ])
    expect(faultsOf({ ...ALL, [name]: undefined, NODE_ENV: 'test' }, 'migrate')).not.toContain(name)
  })

  it('miss the server of mails', () => {
    expect(faultsOf({ ADMIN_EMAILS: 'a@site.org' })).toEqual([
      'SMTP_HOST is missing: ADMIN_EMAILS needs it',
    ])
  })

  it('speak TLS where the port is that of TLS', () => {
    expect(faultsOf({ ...MAIL, SMTP_PORT: '465' })).toEqual([
      'SMTP_TLS must be implicit for SMTP_PORT 465, where no server speaks in the clear',
    ])
    expect(faultsOf({ ...MAIL, SMTP_PORT: '465', SMTP_TLS: 'implicit' })).toEqual([])
  })

  describe('in production', () => {
    const inProduction = (env: Env) => faultsOf({ ...PRODUCTION, ...ALL, ...env }, 'worker')

    it.each(['SMS_ENDPOINT', 'ALERT_WEBHOOK_URL', 'ALERT_CHAT_URL', 'ALERT_TEAMS_URL'])(
      'want https of %s',
      (name) => {
        expect(inProduction({ [name]: 'http://10.0.0.1/hook' })).toEqual([
          `${name} must be https in production`,
        ])
      },
    )

    it('send no password in the clear, except on this machine', () => {
      const clear = { SMTP_TLS: 'off', SMTP_PORT: '25' }
      expect(inProduction(clear)).toEqual([
        'SMTP_TLS must not be off in production: it would send SMTP_PASS in the clear',
      ])
      expect(inProduction({ ...clear, SMTP_HOST: '127.0.0.1' })).toEqual([])
      expect(inProduction({ ...clear, SMTP_USER: undefined, SMTP_PASS: undefined })).toEqual([])
    })

    it('want to know where the console is', () => {
      expect(inProduction({ PUBLIC_URL: undefined })).toEqual([
        'PUBLIC_URL is missing: alerts link to the console',
      ])
    })

    it('share no secret with anything', () => {
      const { ENCRYPTION_KEYS } = PRODUCTION
      const reused = `whsec_${ENCRYPTION_KEYS.slice(3)}`
      expect(inProduction({ ALERT_WEBHOOK_SECRET: reused })[0]).toContain('is the same secret as')
    })
  })
})
