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
import { toGatewayOptions } from './to-gateway-options.ts'

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
