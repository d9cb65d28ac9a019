import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { copyRepository, type RepositoryCopy, type Seed } from './repository-copy.ts'

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

const ENTRIES: Seed[] = [
  {
    path: 'shared/contract/src/events/client-events.ts',
    before: "  'token:refresh': {\n",
    lines: "  seeded: { payload: sessionOnly, data: empty, who: 'operator', cost: 'write' },\n",
  },
  {
    path: 'shared/contract/src/http/http-routes.ts',
    before: '  readOpenApi: {\n',
    lines: `  seeded: {
    ...plain,
    method: 'put',
    path: '/seeded',
    summary: 'Answers its body',
    who: 'admin',
    cost: 'write',
    body: z.strictObject({ name: z.string() }),
    kind: 'json',
    response: z.strictObject({ named: z.string() }),
  },\n`,
  },
]
const HANDLERS: Seed[] = [
  {
    path: 'services/gateway/src/ws/connection/handlers.ts',
    before: '    typing: ',
    lines: '    seeded: async () => ({}),\n',
  },
  {
    path: 'services/gateway/src/http/handlers/route-handlers.ts',
    before: '    readOpenApi: ',
    lines: '    seeded: async ({ body }) => ({ named: body.name }),\n',
  },
]
const USE_BOTH_FILE = 'tests/support/seeded.ts'
const USE_BOTH = `
import { openApiDocument } from '@chatbox/contract'
import { openChatUser } from './chat-user.ts'
import { openTestBackend, startTestGateway } from './test-gateway.ts'
import { signToken } from '../environment/tokens.ts'

const backend = await openTestBackend()
const gateway = await startTestGateway(backend.ports)
const seen = {}
for (const role of ['user', 'chat_admin', 'admin']) {
  const token = await signToken({ sub: role, roles: [role] })
  const user = await openChatUser({ url: gateway.url, token })
  const ack = await user.emitRaw('seeded', { sessionId: 's' })
  user.close()
  const put = async (body) => {
    const headers = { authorization: 'Bearer ' + token }
    const init = { method: 'PUT', headers, body: JSON.stringify(body) }
    const response = await fetch(gateway.url + '/chatbox/api/seeded', init)
    const { named, error } = await response.json()
    return named ?? error.code
  }
  const event = ack.ok ? 'ok' : ack.error.code
  seen[role] = [event, await put({ name: 'x' }), await put({ name: 7 })]
}
const { put } = openApiDocument({ pathPrefix: '' }).paths['/seeded']
await gateway.stop()
await backend.close()
console.log(JSON.stringify({ seen, security: put.security, body: put.requestBody }))
`

const GATEWAY = 'services/gateway/src/start.ts'
const FILES = [USE, FIELD_USE, GATEWAY, 'tests/support/test-gateway.ts']

let copy: RepositoryCopy

// All of them in one copy, because it is the compiler that takes the time.
beforeAll(async () => {
  copy = await copyRepository()
  await copy.write({ [USE]: USE_IT, [FIELD_USE]: USE_FIELD })
  await copy.sow(ENTRIES)
}, 60_000)

afterAll(() => copy.remove())

it('does not compile where what uses it is there, and its declaration or its handler is not', async () => {
  const wrong = [USE, FIELD_USE, ...HANDLERS.map(({ path }) => path)]
  expect(await copy.wrongFiles(FILES)).toEqual(wrong.toSorted())
  await copy.sow([SETTING, FIELD, ...HANDLERS])
  expect(await copy.wrongFiles(FILES)).toEqual([])
  await copy.runScript('scripts/write-docs.ts')
}, 120_000)

describe('a setting that is declared', () => {
  it('needs nothing else to be read, handed on, printed and described', async () => {
    expect(JSON.parse(await copy.runScript(USE))).toEqual({
      inMs: 7000,
      printed: '7000ms',
      refusal: expect.stringContaining('SEEDED_TIME must be a duration with its unit'),
    })
    for (const [path, row] of Object.entries(DOCUMENTS)) {
      expect(await copy.read(path)).toMatch(row)
    }
  })
})

describe('a field of a model provider that is declared', () => {
  it('needs nothing else to be read, asked for, handed on and described', async () => {
    expect(JSON.parse(await copy.runScript(FIELD_USE))).toEqual({
      value: 7,
      refusal: expect.stringContaining('LLM_PROVIDER_4_SEEDED_FIELD is missing: type dify needs'),
    })
    for (const [path, row] of Object.entries(FIELD_DOCUMENTS)) {
      expect(await copy.read(path)).toMatch(row)
    }
    // No gateway is told of it.
    expect(await copy.read('docker-compose.yml')).not.toMatch(/^ {2}LLM_PROVIDER_1_SEEDED_FIELD/m)
  })
})

describe('an event or a route that is added to its table', () => {
  it('needs nothing but its handler to be served', async () => {
    await copy.write({ [USE_BOTH_FILE]: USE_BOTH })
    expect(JSON.parse(await copy.runScript(USE_BOTH_FILE))).toEqual({
      seen: {
        user: ['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN'],
        chat_admin: ['ok', 'FORBIDDEN', 'FORBIDDEN'],
        admin: ['ok', 'x', 'INVALID_FORMAT'],
      },
      security: [{ token: ['admin'] }],
      body: {
        required: true,
        content: {
          'application/json': { schema: { $ref: '#/components/schemas/SeededRequest' } },
        },
      },
    })
  }, 60_000)
})
