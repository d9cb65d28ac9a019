import { describeSettings, type SettingDescription } from '@chatbox/kit'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROOT } from '../run-command.ts'
import { toKey, toKind } from './chart-kind.ts'
import { toFieldNames, toProviderSchema, toProvidersText } from './chart-providers.ts'
import { fillIn, layOut, type Documents } from './documents.ts'

const CHART = 'helm/chatbox'
const PROGRAMS = ['gateway', 'worker', 'migrate'] as const

/** The settings that the chart itself sets, and why nobody else may set them. */
export const GOVERNED: Readonly<Record<string, string>> = {
  NODE_ENV: 'always production: what the product makes up outside of it is for trying',
  MODE: 'always cluster: the other one is a single process without stores',
  HOST: 'every address of the pod, which policies guard',
  MANAGEMENT_HOST: 'every address of the pod: the kubelet and Prometheus ask from outside',
  PORT: "what the Service, the policies and the container's port agree on",
  MANAGEMENT_PORT: 'what the probes, the monitor and the policies agree on',
  DRAIN_TIMEOUT: 'drain and close of gateway.drain and worker.drain, of which the grace is made',
  REDIS_URL: 'holds a password: secrets.keys.redisUrl',
  MONGO_URI: 'holds a password: secrets.keys.mongoUri',
  JWT_SECRET: 'secrets.keys.jwtSecret',
  OIDC_CLIENT_SECRET: 'secrets.keys.oidcClientSecret',
  ENCRYPTION_KEYS: 'secrets.keys.encryptionKeys',
  SMTP_PASS: 'secrets.keys.smtpPass',
  SMS_AUTH_TOKEN: 'secrets.keys.smsAuthToken',
  ALERT_WEBHOOK_URL: 'its path may be a secret: secrets.keys.alertWebhookUrl',
  ALERT_WEBHOOK_SECRET: 'secrets.keys.alertWebhookSecret',
  ALERT_CHAT_URL: 'its path is a secret: secrets.keys.alertChatUrl',
  ALERT_TEAMS_URL: 'its path is a secret: secrets.keys.alertTeamsUrl',
}

/** The sentences of the chart that differ from the first sentence of the product. */
const SENTENCES: Readonly<Record<string, string>> = {
  PATH_PREFIX:
    'The path that every public address begins with: the ingress, the route and the probe follow it',
  PUBLIC_URL: 'The scheme, host and port that browsers see; `https`',
  ALLOWED_ORIGINS: 'The web pages that may connect: exact origins. Empty means only `publicUrl`',
  HSTS: '`host` or `subdomains`: for a year, browsers reach it over https only',
  JWKS_URL: 'The address of the public keys for RS256 and ES256 tokens, instead of the JWT secret',
  SESSION_IDLE_TIMEOUT:
    'The time without activity after which a session ends; at least `reconnectTimeout`',
  MAX_CONNECTIONS:
    "The number of sockets that one gateway accepts. Its memory limit holds fewer than the product's own 10000",
}

/** Where the product's default depends on what only the chart knows. */
const DEFAULTS: Readonly<Record<string, string>> = {
  MAX_CONNECTIONS: '4000',
  // The chart is always production.
  BUDGET_ADDRESS_TOKENS: '2000000',
}

interface ValuesSchema {
  properties: {
    settings: { properties: Record<string, unknown> }
    llm: { properties: { providers: { items: object } } }
  }
}

interface ChartSetting {
  key: string
  about: string
  value: unknown
  schema: unknown
  usedBy: readonly string[]
}

/**
 * Writes the chart's values, their schema, their rows in its page, and which program reads which.
 */
export async function toChart(): Promise<Documents> {
  const settings = describeSettings()
    .settings.filter(({ name }) => !(name in GOVERNED))
    .filter(({ usedBy }) => PROGRAMS.some((program) => usedBy.includes(program)))
    .map(toChartSetting)
  return {
    [`${CHART}/values.yaml`]: await fillIn(`${CHART}/values.yaml`, {
      settings: settings.map(toValue).join(''),
      providers: `# -- ${toProvidersText()}\nproviders: []\n`,
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

function toValue({ key, about, value }: ChartSetting): string {
  const isPlain = typeof value === 'string' && value !== '' && !/^(?:on|off|yes|no)$/.test(value)
  const text = isPlain ? value : JSON.stringify(value).replaceAll('"', "'")
  return `# -- ${about}\n${key}: ${text}\n`
}

async function toSchemas(settings: readonly ChartSetting[]): Promise<string> {
  const values = JSON.parse(await read('values.schema.json')) as ValuesSchema
  const properties = Object.fromEntries(settings.map(({ key, schema }) => [key, schema]))
  values.properties.settings.properties = properties
  values.properties.llm.properties.providers.items = toProviderSchema()
  return layOut(JSON.stringify(values, null, 2), 'json')
}

function toNames(settings: readonly ChartSetting[]): string {
  const branches = PROGRAMS.map((program) => {
    const keys = settings.filter(({ usedBy }) => usedBy.includes(program)).map(({ key }) => key)
    return `{{- if eq .program "${program}" -}}${keys.join()}{{- end -}}\n`
  })
  return [
    '{{- /* The keys of `settings`, and of a model provider, that a program reads: (dict "program"\n',
    '       "gateway"). Written by `npm run docs`. */ -}}\n',
    '{{- define "chatbox.settingNames" -}}\n',
    ...branches,
    '{{- end -}}\n\n',
    toFieldNames(),
  ].join('')
}

async function toRows(settings: readonly ChartSetting[]): Promise<string> {
  const rows = settings.map(({ key, about, value }) => {
    return `| settings.${key} | ${toTypeName(value)} | \`${JSON.stringify(value)}\` | ${about} |\n`
  })
  const providers = `| llm.providers | list | \`[]\` | ${toProvidersText()} |\n`
  return (await read('README.md'))
    .replace(/^\| llm\.providers .*\n/m, providers)
    .replace(/(?:^\| settings\..*\n)+/m, rows.toSorted().join(''))
}

function toTypeName(value: unknown): string {
  if (Array.isArray(value)) return 'list'
  return { number: 'int', boolean: 'bool' }[typeof value as string] ?? 'string'
}

function read(file: string): Promise<string> {
  return readFile(join(ROOT, CHART, file), 'utf8')
}
