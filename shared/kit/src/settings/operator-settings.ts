import { z } from 'zod'
import { DESK_SETTINGS } from './desk-settings.ts'
import {
  duration,
  flag,
  needsHttps,
  plainText,
  prose,
  secretText,
  url,
  type SettingType,
} from './setting-types.ts'
import { setting, type SettingGroup } from './setting.ts'

const GATEWAY = ['standalone', 'gateway'] as const

/** Somebody who may sign in as an operator, by a mail address. */
export interface OperatorEntry {
  /** In lower case. */
  address: string
  role: 'chat_admin' | 'admin'
}

/** More would be a directory, and that is a provider's work. */
const MAX_OPERATORS = 1000
const ENTRY = /^([^\s,:;<>"@]{1,64}@[^\s,:;<>"@]{1,189}):(chat_admin|admin)$/
/** The operator of a trial, to whom the start prints a link. Mail never reaches this address. */
const TRIAL_OPERATOR: OperatorEntry = { address: 'operator@localhost', role: 'admin' }

function operators(): SettingType<OperatorEntry[]> {
  const schema = z.string().transform((text, context) => {
    const entries = text.split(',').flatMap((entry): OperatorEntry[] => {
      const [, address, role] = ENTRY.exec(entry.trim()) ?? []
      if (address === undefined || (role !== 'chat_admin' && role !== 'admin')) return []
      return [{ address: address.toLowerCase(), role }]
    })
    const fault = entriesFault(entries, text.split(',').length)
    if (fault === undefined) return entries
    context.addIssue(fault)
    return z.NEVER
  })
  return {
    label: 'list of `address:role`, each role `chat_admin` or `admin`',
    schema,
    print: (entries) => entries.map(({ address, role }) => `${address}:${role}`),
  }
}

function entriesFault(entries: readonly OperatorEntry[], given: number): string | undefined {
  if (entries.length < given) {
    return 'must list mail addresses with their roles, such as olga@site.org:chat_admin,paul@site.org:admin'
  }
  if (given > MAX_OPERATORS) return `names more than ${MAX_OPERATORS} operators`
  const addresses = new Set(entries.map(({ address }) => address))
  return addresses.size < given ? 'names an address twice' : undefined
}

/** Who answers visitors, and how they sign in. A site's own token with a role needs none of it. */
export const OPERATOR_SETTINGS = {
  list: setting('OPERATORS', operators(), {
    otherwise: ({ kind, production }) =>
      kind === 'standalone' && !production ? [TRIAL_OPERATOR] : [],
    defaultNote: 'none; `operator@localhost:admin` for a standalone process outside production',
    about:
      'Who may sign in with a one-time link or, without `OIDC_ROLES_CLAIM`, over OpenID Connect: mail addresses with a role, `chat_admin` (answers visitors) or `admin` (everything), separated by commas.',
    usedBy: GATEWAY,
  }),
  sessionMs: setting('OPERATOR_SESSION', duration('15m', '30d'), {
    default: '12h',
    about: 'The time after which an operator signs in again.',
    usedBy: GATEWAY,
  }),
  sameBrowser: setting('SIGN_IN_SAME_BROWSER', flag(), {
    default: 'false',
    about:
      'Accepts a sign-in link only in the browser in which it was asked for, so that a link that is passed on is useless.',
    usedBy: GATEWAY,
  }),
  oidcIssuer: setting('OIDC_ISSUER', url(['https://', 'http://']), {
    defaultNote: 'none',
    about:
      'The OpenID Connect provider that operators sign in with. Its redirect address is that of the console. In production `http` is allowed only for this machine.',
    usedBy: GATEWAY,
  }),
  oidcClientId: setting('OIDC_CLIENT_ID', plainText(), {
    defaultNote: 'none; required with `OIDC_ISSUER`',
    about: 'The id of chatbox at the provider.',
    usedBy: GATEWAY,
  }),
  oidcClientSecret: setting('OIDC_CLIENT_SECRET', secretText(), {
    defaultNote: 'none, for a public client',
    about: 'The secret of chatbox at the provider. PKCE is used with it and without it.',
    usedBy: GATEWAY,
  }),
  oidcScope: setting('OIDC_SCOPE', prose(), {
    default: 'openid profile email offline_access',
    about:
      'What is asked of the provider. Without `offline_access` an operator whose role comes from a claim signs in again every 15 minutes.',
    usedBy: GATEWAY,
  }),
  oidcRolesClaim: setting('OIDC_ROLES_CLAIM', plainText('name of a claim'), {
    defaultNote: 'none: roles come from `OPERATORS`',
    about:
      'The claim with the roles `chat_admin` and `admin`: a text, or a list that may hold other roles too. Dots lead into a claim, as in `realm_access.roles`. Without it the verified mail address decides, by `OPERATORS`.',
    usedBy: GATEWAY,
  }),
  auditRetentionMs: setting('AUDIT_RETENTION', duration('1d', '3650d'), {
    default: '365d',
    about:
      'How long the audit log keeps what operators and admins did and read. Older entries are forgotten once a day, and an entry says so.',
    usedBy: GATEWAY,
  }),
  ...DESK_SETTINGS,
} satisfies SettingGroup

interface OperatorValues {
  oidcIssuer: string | undefined
  oidcClientId: string | undefined
  oidcClientSecret: string | undefined
  oidcRolesClaim: string | undefined
}

/** Returns one line for each fault. */
export function operatorFaults(values: OperatorValues, production: boolean): string[] {
  const { oidcIssuer, oidcClientId, oidcClientSecret, oidcRolesClaim } = values
  if (oidcIssuer === undefined) {
    return Object.entries({
      OIDC_CLIENT_ID: oidcClientId,
      OIDC_CLIENT_SECRET: oidcClientSecret,
      OIDC_ROLES_CLAIM: oidcRolesClaim,
    })
      .filter(([, value]) => value !== undefined)
      .map(([name]) => `${name} needs OIDC_ISSUER`)
  }
  return [
    ...(oidcClientId === undefined ? ['OIDC_CLIENT_ID is missing: OIDC_ISSUER needs it'] : []),
    ...(needsHttps(oidcIssuer, production) ? ['OIDC_ISSUER must be https in production'] : []),
  ]
}
