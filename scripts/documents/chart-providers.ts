import { describeSettings, type SettingDescription } from '@chatbox/kit'
import { toKey, toKind } from './chart-kind.ts'

const PROGRAMS = ['gateway', 'worker'] as const
/** The chart requires these of every provider. */
const ALWAYS = ['id', 'type']

interface Field {
  /** The key in the values. For a secret, the values name a key of the Secret. */
  key: string
  schema: unknown
  usedBy: readonly string[]
  neededBy: readonly string[]
}

/** The fields of a model provider, as values of the chart. */
const FIELDS: readonly Field[] = describeSettings().provider.map(toField)

function toField({ name, type, secret, usedBy, neededBy }: SettingDescription): Field {
  const key = toKey(name.replace('LLM_PROVIDER_<n>_', ''))
  if (!secret) return { key, schema: toKind(type, '', { isGiven: true })[1], usedBy, neededBy }
  const schema = { $ref: '#/definitions/secretKey' }
  return { key: `${key}SecretKey`, schema, usedBy, neededBy }
}

/** The schema of one provider. */
export function toProviderSchema(): object {
  const types = new Set(FIELDS.flatMap(({ neededBy }) => neededBy))
  return {
    type: 'object',
    additionalProperties: false,
    properties: Object.fromEntries(FIELDS.map(({ key, schema }) => [key, schema])),
    required: ALWAYS,
    allOf: Array.from(types, (type) => ({
      if: { properties: { type: { const: type } } },
      then: {
        required: FIELDS.filter(({ neededBy }) => neededBy.includes(type)).map(({ key }) => key),
      },
    })),
  }
}

/** The comment on the list of providers in the values. */
export function toProvidersText(): string {
  const others = FIELDS.filter(({ key }) => !ALWAYS.includes(key)).map(({ key }) => `\`${key}\``)
  return [
    'Model providers in the order in which users see them; the first one is the default.',
    'Each has `id`, `type` and what its type needs of the other fields:',
    `${others.join(', ')}. \`…SecretKey\` is the name of a key in the Secret. Required`,
  ].join(' ')
}

/** The template that names the fields which a program reads: `(dict "program" "gateway")`. */
export function toFieldNames(): string {
  const branches = PROGRAMS.map((program) => {
    const keys = FIELDS.filter(({ usedBy }) => usedBy.includes(program)).map(({ key }) => key)
    return `{{- if eq .program "${program}" -}}${keys.join()}{{- end -}}\n`
  })
  return ['{{- define "chatbox.providerFields" -}}\n', ...branches, '{{- end -}}\n'].join('')
}
