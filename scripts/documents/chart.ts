import { describeSettings, type SettingDescription } from '@chatbox/kit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run-command.ts'
import { fillIn, layOut, type Documents } from './documents.ts'

const CHART = 'helm/chatbox'
const PROGRAMS = ['gateway', 'worker', 'migrate'] as const

/** What the chart says itself, and why nobody else may. */
export const GOVERNED: Readonly<Record<string, string>> = {
  NODE_ENV: 'always production: what the product makes up outside of it is for trying',
  MODE: 'always cluster: the other one is a single process without stores',
  HOST: 'every address of the pod, which policies guard',
  PORT: "what the Service, the policies and the container's port agree on",
  MANAGEMENT_PORT: 'what the probes, the monitor and the policies agree on',
  DRAIN_TIMEOUT: 'drain and close of gateway.drain and worker.drain, of which the grace is made',
  REDIS_URL: 'holds a password: secrets.keys.redisUrl',
  MONGO_URI: 'holds a password: secrets.keys.mongoUri',
  JWT_SECRET: 'secrets.keys.jwtSecret',
  ENCRYPTION_KEYS: 'secrets.keys.encryptionKeys',
}

/** Where a chart has more to say than the first sentence of the product. */
const SENTENCES: Readonly<Record<string, string>> = {
  PATH_PREFIX:
    'What every public address begins with: the ingress, the route and the probe follow it',
  PUBLIC_URL: 'Scheme, host and port that browsers see; `https`',
  ALLOWED_ORIGINS: 'Web pages that may connect: exact origins. Empty means `publicUrl` alone',
  HSTS: '`host` or `subdomains`: for a year browsers reach it over https alone',
  JWKS_URL: 'Where the public keys of RS256 and ES256 tokens are, in place of the JWT secret',
  SESSION_IDLE_TIMEOUT:
    'A session without activity for this long is ended; at least `reconnectTimeout`',
  MAX_CONNECTIONS:
    "Sockets that one gateway accepts: what its memory limit holds, below the product's own 10000",
}

/** What the memory limit holds, which the product does not know. */
const DEFAULTS: Readonly<Record<string, string>> = { MAX_CONNECTIONS: '4000' }

interface ValuesSchema {
  properties: { settings: { properties: Record<string, unknown> } }
}

interface ChartSetting {
  key: string
  about: string
  value: unknown
  schema: unknown
  usedBy: readonly string[]
}

/** `rateLimit` for `RATE_LIMIT`. */
export function toKey(name: string): string {
  return name.toLowerCase().replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** The chart's values, their schema and their rows in its page, and who is told which of them. */
export async function toChart(): Promise<Documents> {
  const settings = describeSettings()
    .settings.filter(({ name }) => !(name in GOVERNED))
    .filter(({ usedBy }) => PROGRAMS.some((program) => usedBy.includes(program)))
    .map(toChartSetting)
  return {
    [`${CHART}/values.yaml`]: await fillIn(`${CHART}/values.yaml`, {
      settings: settings.map(toValue).join(''),
    }),
    [`${CHART}/values.schema.json`]: await toSchemas(settings),
    [`${CHART}/templates/_setting-names.tpl`]: toNames(settings),
    [`${CHART}/README.md`]: await toRows(settings),
  }
}

function toChartSetting(setting: SettingDescription): ChartSetting {
  const { name, type, usedBy } = setting
  const [sentence = ''] = setting.about.split(/\.(?: |$)/)
  const [value, schema] = toKind(type, DEFAULTS[name] ?? setting.default ?? '')
  const about = SENTENCES[name] ?? sentence.replace(', separated by commas', '')
  return { key: toKey(name), about, value, schema, usedBy }
}

/** The default and the schema of a value of this type; an empty one is left out. */
function toKind(type: string, text: string): [value: unknown, schema: unknown] {
  const [, number, minimum, maximum] = /^(whole number|size), (\d+) to (\d+)/.exec(type) ?? []
  const bounds = { minimum: Number(minimum), maximum: Number(maximum) }
  if (number === 'whole number') return [Number(text), { type: 'integer', ...bounds }]
  if (number === 'size') {
    const pattern = '^[0-9]{1,12}(B|KiB|MiB|GiB)?$'
    return [Number(text), { type: ['integer', 'string'], ...bounds, pattern }]
  }
  if (type.startsWith('duration')) return [text, { $ref: '#/definitions/duration' }]
  if (type.startsWith('one of')) {
    return [text, { enum: Array.from(type.matchAll(/`(\w+)`/g), ([, word]) => word) }]
  }
  if (type === '`true` or `false`') return [text === 'true', { type: 'boolean' }]
  const pattern = PATTERNS[type]
  if (type.startsWith('list')) return [[], { type: 'array', items: { type: 'string', pattern } }]
  if (pattern !== undefined) return [text, { type: 'string', pattern }]
  return [text, { type: 'string', ...(text === '' ? {} : { minLength: 1 }) }]
}

/** As in production, where every address is `https`. */
const PATTERNS: Readonly<Record<string, string>> = {
  path: '^(/[A-Za-z0-9_.~-]+)+$',
  origin: '^$|^https://[^/*\\s]+$',
  address: '^$|^https://[^\\s@]+$',
  'list of origins': '^https?://[^/*\\s]+$',
  'list of addresses or CIDR blocks': '^[0-9a-fA-F.:]+(/[0-9]{1,3})?$',
}

function toValue({ key, about, value }: ChartSetting): string {
  const isPlain = typeof value === 'string' && value !== '' && !/^(?:on|off|yes|no)$/.test(value)
  const text = isPlain ? value : JSON.stringify(value).replaceAll('"', "'")
  return `# -- ${about}\n${key}: ${text}\n`
}

async function toSchemas(settings: readonly ChartSetting[]): Promise<string> {
  const values = JSON.parse(await read('values.schema.json')) as ValuesSchema
  const properties = Object.fromEntries(settings.map(({ key, schema }) => [key, schema]))
  values.properties.settings.properties = properties
  return layOut(JSON.stringify(values, null, 2), 'json')
}

function toNames(settings: readonly ChartSetting[]): string {
  const branches = PROGRAMS.map((program) => {
    const keys = settings.filter(({ usedBy }) => usedBy.includes(program)).map(({ key }) => key)
    return `{{- if eq .program "${program}" -}}${keys.join()}{{- end -}}\n`
  })
  return [
    '{{- /* The keys of `settings` that a program reads: (dict "program" "gateway"). Written by\n',
    '       `npm run docs`. */ -}}\n',
    '{{- define "chatbox.settingNames" -}}\n',
    ...branches,
    '{{- end -}}\n',
  ].join('')
}

async function toRows(settings: readonly ChartSetting[]): Promise<string> {
  const rows = settings.map(({ key, about, value }) => {
    return `| settings.${key} | ${toTypeName(value)} | \`${JSON.stringify(value)}\` | ${about} |\n`
  })
  return (await read('README.md')).replace(/(?:^\| settings\..*\n)+/m, rows.toSorted().join(''))
}

function toTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  return { number: 'int', boolean: 'bool' }[typeof value as string] ?? 'string'
}

function read(file: string): Promise<string> {
  return readFile(join(ROOT, CHART, file), 'utf8')
}
