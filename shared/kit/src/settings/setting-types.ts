import ipaddr from 'ipaddr.js'
import { z } from 'zod'
import { decoded, HIDDEN, passwordOf, passwordsOf, withoutPasswords } from '../logging/redaction.ts'
import { isPlaceholder, isPlaceholderSecret, toSecretBytes, weakness } from './secret-strength.ts'

/** A text that must not be printed. */
export interface Secret {
  /** The part of the setting that is secret, if it is not the whole. */
  part?: string
  text: string
  /** Other spellings of the secret; only `text` by default. */
  forms?: readonly string[]
}

/** The text form of one kind of setting. No message contains the value, because it may be a secret. */
export interface SettingType<T = unknown> {
  /** For the documentation, for example `duration`. */
  label: string
  schema: z.ZodType<T, string>
  /** The form for `--print-config`; the value itself by default. */
  print?(value: T): unknown
  /** The secrets in the value; none by default. */
  secretsIn?(value: T): Secret[]
  /** Returns whether the text is a placeholder; `isPlaceholder` by default. */
  isUnfilled?(text: string): boolean
}

export function plainText(label = 'text'): SettingType<string> {
  return { label, schema: z.string() }
}

/** Prose may contain words like `placeholder`. */
export function prose(): SettingType<string> {
  return { ...plainText('free text'), isUnfilled: () => false }
}

export function identifier(): SettingType<string> {
  const schema = z
    .string()
    .regex(/^[\w.-]{1,64}$/, 'must be letters, digits, -, _ and ., at most 64 of them')
  return { label: 'letters, digits, `-`, `_` and `.`, at most 64', schema }
}

/** The whole value is secret. */
export function secretText(label?: string): SettingType<string> {
  return {
    ...plainText(label),
    print: () => HIDDEN,
    secretsIn: (text) => [{ text }],
    isUnfilled: isPlaceholderSecret,
  }
}

/** The value is true in production. */
export function environment(): SettingType<boolean> {
  const { label, schema } = oneOf(['development', 'production', 'test'])
  return {
    label,
    schema: schema.transform((value) => value === 'production'),
    print: (isProduction) => (isProduction ? 'production' : 'development'),
  }
}

export function oneOf<const T extends readonly [string, ...string[]]>(
  values: T,
): SettingType<T[number]> {
  const expected = values.map((value) => `\`${value}\``).join(', ')
  return {
    label: `one of ${expected}`,
    schema: z.enum(values, { error: `must be one of ${values.join(', ')}` }),
  }
}

export function flag(): SettingType<boolean> {
  const schema = z
    .enum(['true', 'false'], { error: 'must be true or false' })
    .transform((value) => value === 'true')
  return { label: '`true` or `false`', schema }
}

export function integer(min: number, max: number): SettingType<number> {
  const error = `must be a whole number from ${min} to ${max}`
  const schema = z
    .string()
    .regex(/^\d{1,15}$/, error)
    .transform(Number)
    .pipe(between(min, max, error))
  return { label: `whole number, ${min} to ${max}`, schema }
}

const DURATION = /^(\d{1,9})(ms|[smhd])$/
const DURATION_UNITS_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The value is in milliseconds. A number without a unit is refused because it is ambiguous. */
export function duration(min: string, max: string): SettingType<number> {
  const toMs = (text: string) => toNumber(text, DURATION, DURATION_UNITS_MS)
  const error = `must be a duration with its unit, such as 500ms, 120s or 15m, from ${min} to ${max}`
  const schema = z
    .string()
    .transform(toMs)
    .pipe(between(toMs(min), toMs(max), error))
  return { label: `duration, ${min} to ${max}`, schema, print: (ms) => `${ms}ms` }
}

const AMOUNT = /^(\d{1,9})(?:\.(\d{1,6}))?$/

/** An amount of money. The value is in millionths of its unit, so that sums are exact. */
export function amount(): SettingType<number> {
  const error = 'must be an amount such as 20 or 0.15, with at most six decimals'
  const schema = z.string().regex(AMOUNT, error).transform(toMillionths)
  return { label: 'amount such as 20 or 0.15', schema, print: (value) => `${value / 1_000_000}` }
}

function toMillionths(text: string): number {
  const [, whole = '', decimals = ''] = AMOUNT.exec(text) ?? []
  return Number(`${whole}${decimals.padEnd(6, '0')}`)
}

const SIZE = /^(\d{1,12})(B|KiB|MiB|GiB)?$/
const SIZE_UNITS = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

/** The value is in bytes. */
export function size(min: number, max: number): SettingType<number> {
  const error = `must be a size in bytes or with its unit, such as 65536 or 64KiB, from ${min} to ${max}`
  const schema = z
    .string()
    .transform((text) => toNumber(text, SIZE, SIZE_UNITS))
    .pipe(between(min, max, error))
  return { label: `size, ${min} to ${max} bytes`, schema }
}

/** Multiplies the number by its unit. Returns NaN for a text that does not match. */
function toNumber(text: string, pattern: RegExp, units: Record<string, number>): number {
  const [, digits, unit] = pattern.exec(text) ?? []
  return Number(digits) * (unit === undefined ? 1 : (units[unit] ?? NaN))
}

function between(min: number, max: number, error: string): z.ZodNumber {
  return z.number({ error }).min(min, error).max(max, error)
}

/** An address with one of these schemes and without a user or password. */
export function url(schemes: readonly string[]): SettingType<string> {
  const isAddress = (text: string) => {
    const parsed = URL.parse(text)
    if (!parsed || parsed.username || parsed.password) return false
    return schemes.some((scheme) => text.startsWith(scheme))
  }
  const expected = `must be an address that begins with ${schemes.join(' or ')}`
  const schema = z.string().refine(isAddress, `${expected}, without a password in it`)
  return { label: 'address', schema }
}

/** Returns true for an address on this machine. */
function isLoopback(address: string): boolean {
  return isLoopbackHost(URL.parse(address)?.hostname ?? '')
}

/** The host as in an address: a name, an IPv4 address, or an IPv6 address in brackets. */
export function isLoopbackHost(name: string): boolean {
  const host = name.replace(/[[\]]/g, '')
  if (host === 'localhost') return true
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback'
}

/**
 * Returns true if the address needs https: over http, others on the network could read the key or
 * answer instead.
 */
export function needsHttps(address: string, production: boolean): boolean {
  return production && address.startsWith('http://') && !isLoopback(address)
}

/** The address of a back end, which may contain several hosts. The passwords in it are secret. */
export function backendUrl(schemes: readonly string[]): SettingType<string> {
  const namesHost = (text: string) =>
    schemes.some((scheme) => text.startsWith(scheme) && text.length > scheme.length)
  const schema = z
    .string()
    .refine(
      (text) => namesHost(text) && !/\s/.test(text),
      `must begin with ${schemes.join(' or ')} and name a host`,
    )
  return {
    label: 'address',
    schema,
    print: withoutPasswords,
    secretsIn: (address) =>
      passwordsOf(address).map((raw) => ({ part: 'password', text: decoded(raw), forms: [raw] })),
    isUnfilled: (text) => isPlaceholder(text) || isPlaceholderSecret(passwordOf(text)),
  }
}

/** Scheme, host and port. A single slash at the end is accepted. */
export function origin(): SettingType<string> {
  const schema = z
    .string()
    .transform((text) => text.replace(/\/$/, ''))
    .refine(
      isOrigin,
      'must be scheme, host and port, such as https://chat.site.org, without a path',
    )
  return { label: 'origin', schema }
}

/** Only exact origins, because a pattern would admit a stranger's subdomain. */
export function origins(): SettingType<string[]> {
  const error = 'must list exact origins such as https://www.site.org, without a path; * is not one'
  return { label: 'list of origins', schema: listOf(isOrigin, error) }
}

function isOrigin(value: string): boolean {
  // `URL` accepts a star in a host name, but no origin has one.
  return /^https?:[^*]+$/.test(value) && URL.parse(value)?.origin === value
}

/** `none` is the empty list. */
export function networks(): SettingType<string[]> {
  const error = 'must be none, or list IP addresses and CIDR blocks such as 10.0.0.0/8'
  const schema = z
    .string()
    .transform((text) => (text === 'none' ? '' : text))
    .pipe(
      z
        .literal('')
        .transform((): string[] => [])
        .or(listOf(isNetwork, error)),
    )
  return { label: 'list of addresses or CIDR blocks', schema }
}

/**
 * Refuses octal, hexadecimal and short forms of IPv4, because programs read them differently, and a
 * block of all addresses, because then everybody could claim any address.
 */
function isNetwork(value: string): boolean {
  const { IPv4, IPv6 } = ipaddr
  if (/\/0+$/.test(value)) return false
  return value.includes('/')
    ? IPv4.isValidCIDRFourPartDecimal(value) || IPv6.isValidCIDR(value)
    : IPv4.isValidFourPartDecimal(value) || IPv6.isValid(value)
}

function listOf(isMember: (text: string) => boolean, error: string): z.ZodType<string[], string> {
  return z
    .string()
    .transform((text) => [...new Set(text.split(',').map((member) => member.trim()))])
    .refine((members) => members.every(isMember), error)
}

/** The value never ends with a slash: that of `/` is empty. */
export function pathPrefix(): SettingType<string> {
  const schema = z
    .string()
    .regex(/^(?:\/|(?:\/[\w.~-]+)+)$/, 'must be / or a path that does not end with it: /chatbox')
    .transform((path) => (path === '/' ? '' : path))
  return { label: 'path', schema, print: (path) => path || '/' }
}

export interface EncryptionKey {
  id: string
  key: Uint8Array
}

export function encryptionKeys(): SettingType<EncryptionKey[]> {
  const schema = z.string().transform((value, context) => {
    const entries = value.split(',').map((entry) => splitEntry(entry.trim()))
    const fault = entriesFault(entries)
    if (!fault) return entries.flatMap(({ id, bytes }) => (bytes ? [{ id, key: bytes }] : []))
    context.addIssue(fault)
    return z.NEVER
  })
  return {
    label: 'list of `id:key`, each key 32 random bytes in base64 or hexadecimal',
    schema,
    print: (keys) => keys.map(({ id }) => `${id}:${HIDDEN}`),
    secretsIn: (keys) =>
      keys.map(({ id, key }) => {
        const forms = formsOf(Buffer.from(key))
        return { part: id, text: forms[0], forms }
      }),
    // The part before the colon may be any word.
    isUnfilled: (text) =>
      text
        .split(',')
        .some((entry) => isPlaceholderSecret(entry.slice(entry.indexOf(':') + 1).trim())),
  }
}

/**
 * Returns all spellings that `toSecretBytes` accepts for these bytes. Unpadded base64url is part of
 * the padded form.
 */
function formsOf(key: Buffer): [string, ...string[]] {
  const [base64, hex] = [key.toString('base64'), key.toString('hex')]
  return [base64, base64.replaceAll('=', ''), key.toString('base64url'), hex, hex.toUpperCase()]
}

const KEY_BYTES = 32

interface KeyEntry {
  id: string
  text: string
  /** Undefined if the entry has no key of the right size. */
  bytes: Uint8Array | undefined
}

function splitEntry(entry: string): KeyEntry {
  const [, id = '', text = ''] = /^([\w-]{1,32}):(.+)$/.exec(entry) ?? []
  const bytes = toSecretBytes(text)
  return { id, text, bytes: bytes?.length === KEY_BYTES ? new Uint8Array(bytes) : undefined }
}

function entriesFault(entries: readonly KeyEntry[]): string | undefined {
  if (entries.some(({ bytes }) => bytes === undefined)) {
    return 'must list id:key pairs, each key 32 bytes in base64 or hexadecimal digits'
  }
  if (new Set(entries.map(({ id }) => id)).size < entries.length) return 'has the same key id twice'
  const weak = entries.map(({ text }) => weakness(text, KEY_BYTES)).find((reason) => reason)
  return weak && `has a key that ${weak}; make one with: openssl rand -base64 32`
}
