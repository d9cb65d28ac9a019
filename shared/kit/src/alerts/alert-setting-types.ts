import { z } from 'zod'
import { HIDDEN } from '../logging/redaction.ts'
import { isPlaceholder, isPlaceholderSecret, weakness } from '../settings/secret-strength.ts'
import { plainText, url, type SettingType } from '../settings/setting-types.ts'

export interface Mailbox {
  name: string
  address: string
}

/** Only what every server takes: no quotes, no comments, no address without a domain. */
const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9.-]{0,250}[a-z0-9])?$/i
const MAILBOX = /^(?:([^<>"\p{Cc}]{1,100}?) *<([^<>]+)>|([^<>]+))$/u

/** An address, with a name before it or not. */
export function mailbox(): SettingType<Mailbox> {
  const error = 'must be a mail address such as chat@site.org or Chat <chat@site.org>'
  const schema = z.string().transform((text, context) => {
    const [, name = '', inside, alone] = MAILBOX.exec(text) ?? []
    const address = inside ?? alone ?? ''
    if (ADDRESS.test(address)) return { name, address }
    context.addIssue(error)
    return z.NEVER
  })
  return {
    label: 'mail address, with a name or without',
    schema,
    print: ({ name, address }) => (name === '' ? address : `${name} <${address}>`),
  }
}

export function mailAddresses(): SettingType<string[]> {
  const error = 'must list mail addresses such as ops@site.org, separated by commas'
  return { label: 'list of mail addresses', schema: listOf(ADDRESS, error) }
}

const PHONE = /^\+[1-9]\d{6,14}$/

/** Numbers by E.164, because every other form depends on where one stands. */
export function phoneNumbers(): SettingType<string[]> {
  const error = 'must list numbers with + and the country such as +4915112345678, without spaces'
  return { label: 'list of phone numbers', schema: listOf(PHONE, error) }
}

function listOf(member: RegExp, error: string): z.ZodType<string[], string> {
  return z
    .string()
    .transform((text) => [...new Set(text.split(',').map((one) => one.trim()))])
    .refine((members) => members.every((one) => member.test(one)), error)
}

/** A number, a name that a network shows instead of one, or a messaging service. */
export function smsSender(): SettingType<string> {
  const isName = (text: string) => /^(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}$/.test(text)
  const isSender = (text: string) =>
    PHONE.test(text) || /^MG[0-9a-f]{32}$/.test(text) || isName(text)
  const error =
    'must be a number such as +4915112345678, a name of at most 11 letters and digits, or the id of a messaging service'
  return { ...plainText(), schema: z.string().refine(isSender, error) }
}

/** An address whose path is the right to post. */
export function secretUrl(): SettingType<string> {
  return {
    ...url(['https://', 'http://']),
    print: () => HIDDEN,
    secretsIn: (text) => {
      const { pathname, search } = new URL(text)
      const path = `${pathname}${search}`
      return [{ text, forms: path === '/' ? [text] : [text, path] }]
    },
    isUnfilled: (text) => isPlaceholder(text) || /\/(?:X{3,}|T0{8})(?:\/|$)/.test(text),
  }
}

const SECRET = /^whsec_[A-Za-z0-9+/]+={0,2}$/
const MIN_SECRET_BYTES = 24
const MAX_SECRET_BYTES = 64

/** One secret by the Standard Webhooks specification, or two while the receiver changes it. */
export function webhookSecrets(): SettingType<string[]> {
  const error =
    'must be whsec_ and 24 to 64 random bytes in base64, or two of them separated by a comma'
  const schema = z.string().transform((text, context) => {
    const secrets = text.split(',').map((secret) => secret.trim())
    const keys = secrets.map((secret) => secret.slice('whsec_'.length))
    const isValid = secrets.length <= 2 && secrets.every(isWebhookSecret)
    const weak = isValid ? keys.map((key) => weakness(key, MIN_SECRET_BYTES)).find(Boolean) : error
    if (weak === undefined) return secrets
    context.addIssue(weak)
    return z.NEVER
  })
  return {
    ...plainText('`whsec_` and random bytes in base64, or two of them'),
    schema,
    print: (secrets) => secrets.map(() => HIDDEN),
    secretsIn: (secrets) =>
      secrets.map((text) => ({ text: text.slice(6), forms: [text, text.slice(6)] })),
    isUnfilled: (text) =>
      text.split(',').some((secret) => isPlaceholderSecret(secret.trim().replace(/^whsec_/, ''))),
  }
}

function isWebhookSecret(secret: string): boolean {
  const { length } = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return SECRET.test(secret) && length >= MIN_SECRET_BYTES && length <= MAX_SECRET_BYTES
}

const PERIOD = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/

/** Parts of each day, in minutes since midnight. One may go over midnight, but not last all day. */
export function quietHours(): SettingType<{ from: number; to: number }[]> {
  const error = 'must list periods such as 22:00-07:00, separated by commas'
  const schema = z.string().transform((text, context) => {
    const periods = text.split(',').map((period) => {
      const [, hour, minute, toHour = 24, toMinute = 0] = PERIOD.exec(period.trim()) ?? []
      return {
        from: Number(hour) * 60 + Number(minute),
        to: Number(toHour) * 60 + Number(toMinute),
      }
    })
    if (periods.every(({ from, to }) => !Number.isNaN(from) && from !== to % 1440)) return periods
    context.addIssue(error)
    return z.NEVER
  })
  const print = (periods: { from: number; to: number }[]) =>
    periods.map(({ from, to }) => `${toClock(from)}-${toClock(to)}`).join(',')
  return { label: 'list of periods such as 22:00-07:00', schema, print }
}

function toClock(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** A name of the IANA data base. */
export function timeZone(): SettingType<string> {
  const isKnown = (zone: string) => {
    try {
      new Intl.DateTimeFormat('en', { timeZone: zone })
      return true
    } catch {
      return false
    }
  }
  const error = 'must be the name of a time zone such as Europe/Berlin'
  return { ...plainText('name of a time zone'), schema: z.string().refine(isKnown, error) }
}
