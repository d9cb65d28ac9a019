import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

const SETTING = {
  path: 'shared/kit/src/settings/settings.ts',
  before: '    maxConnections: setting(',
  lines: `    seededMs: setting('SEEDED_TIME', duration('1s', '1h'), {
      default: '5s',
      about: 'Seeded sentence. And more.',
      usedBy: GATEWAY,
    }),\n`,
}
const USE = 'services/gateway/src/seeded.ts'
const USE_IT = `
import { printConfig, readSettings } from '@chatbox/kit'
import { toGatewayOptions } from './start.ts'

const settings = readSettings({ SEEDED_TIME: '7s' })
const inMs: number = toGatewayOptions(settings).limits.seededMs
const printed: { SEEDED_TIME?: string } = JSON.parse(printConfig(settings))
let refusal = ''
try {
  readSettings({ SEEDED_TIME: '7' })
} catch (error) {
  refusal = String(error)
}
console.log(JSON.stringify({ inMs, printed: printed.SEEDED_TIME, refusal }))
`
const DOCUMENTS = {
  'docs/configuration.md':
    /^\| `SEEDED_TIME` +\| duration, 1s to 1h +\| `5s` +\| Seeded sentence. And/m,
  'helm/chatbox/values.yaml': /^ {2}# -- Seeded sentence\n {2}seededTime: 5s$/m,
  'helm/chatbox/values.schema.json': /"seededTime": \{\n +"\$ref": "#\/definitions\/duration"/,
  'helm/chatbox/templates/_setting-names.tpl': /"gateway" -}}.*,seededTime,.*\n.*"worker"/,
  'helm/chatbox/README.md': /^\| settings.seededTime \| string \| `"5s"` \| Seeded sentence \|$/m,
  'docker-compose.yml': /# settings of gateways[^#]*\n {6}SEEDED_TIME:\n/,
  '.env.example': /^# Seeded sentence.\n#SEEDED_TIME=5s$/m,
}

const FIELD = {
  path: 'shared/kit/src/settings/provider-settings.ts',
  before: '  systemPrompt: setting(',
  lines: `  seededField: setting('SEEDED_FIELD', integer(2, 9), {
    default: '5',
    about: 'Seeded field. And more.',
    usedBy: WORKER,
    neededBy: ['dify'],
  }),\n`,
}
const FIELD_USE = 'services/worker/src/seeded-field.ts'
const USE_FIELD = `
import { readSettings } from '@chatbox/kit'

const demo = { LLM_PROVIDER_4_TYPE: 'demo', LLM_PROVIDER_4_SEEDED_FIELD: '7' }
const value: number | undefined = readSettings(demo).providers[0]?.seededField
let refusal = ''
try {
  readSettings({ LLM_PROVIDER_4_TYPE: 'dify' })
} catch (error) {
  refusal = String(error)
}
console.log(JSON.stringify({ value, refusal }))
`
const FIELD_DOCUMENTS = {
  'docs/configuration.md': /^\| `LLM_PROVIDER_<n>_SEEDED_FIELD` +\| whole number, 2 to 9 +\| `5` /m,
  'helm/chatbox/values.yaml': /^ {2}# -- .*, `seededField`, .*\n {2}providers: \[\]$/m,
  'helm/chatbox/values.schema.json': new RegExp(
    [
      '"seededField": \\{\\n +"type": "integer",\\n +"minimum": 2,\\n +"maximum": 9\\n',
      '"const": "dify"[^\\]]*"required": \\[[^\\]]*"seededField"',
    ].join('[^]*'),
  ),
  'helm/chatbox/templates/_setting-names.tpl':
    /providerFields" -}}\n.*"gateway" -}}(?:(?!seededField).)*\n.*"worker" -}}.*,seededField,/,
  'helm/chatbox/README.md': /^\| llm.providers \| list .*, `seededField`,/m,
  'docker-compose.yml': /# models of workers[^#]* {6}LLM_PROVIDER_3_SEEDED_FIELD:\n/,
  '.env.example': /^# Seeded field.\n#LLM_PROVIDER_1_SEEDED_FIELD=5$/m,
}

let copy: RepositoryCopy

beforeAll(async () => {
  copy = await copyRepository()
  await copy.write({ [USE]: USE_IT })
}, 60_000)

afterAll(() => copy.remove())

describe('a setting that is declared', () => {
  it('needs nothing else to be read, handed on, printed and described', async () => {
    expect(await copy.wrongFiles([USE])).toEqual([USE])
    await copy.sow([SETTING])
    expect(await copy.wrongFiles([USE, 'tests/support/test-gateway.ts'])).toEqual([])
    expect(JSON.parse(await copy.runScript(USE))).toEqual({
      inMs: 7000,
      printed: '7000ms',
      refusal: expect.stringContaining('SEEDED_TIME must be a duration with its unit'),
    })
    await copy.runScript('scripts/write-docs.ts')
    for (const [path, row] of Object.entries(DOCUMENTS)) {
      expect(await copy.read(path)).toMatch(row)
    }
  }, 120_000)
})

describe('a field of a model provider that is declared', () => {
  it('needs nothing else to be read, asked for, handed on and described', async () => {
    await copy.write({ [FIELD_USE]: USE_FIELD })
    expect(await copy.wrongFiles([FIELD_USE])).toEqual([FIELD_USE])
    await copy.sow([FIELD])
    expect(await copy.wrongFiles([FIELD_USE])).toEqual([])
    expect(JSON.parse(await copy.runScript(FIELD_USE))).toEqual({
      value: 7,
      refusal: expect.stringContaining('LLM_PROVIDER_4_SEEDED_FIELD is missing: type dify needs'),
    })
    await copy.runScript('scripts/write-docs.ts')
    for (const [path, row] of Object.entries(FIELD_DOCUMENTS)) {
      expect(await copy.read(path)).toMatch(row)
    }
    // No gateway is told of it.
    expect(await copy.read('docker-compose.yml')).not.toMatch(/^ {2}LLM_PROVIDER_1_SEEDED_FIELD/m)
  }, 120_000)
})
