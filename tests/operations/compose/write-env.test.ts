import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { readSettings } from '@chatbox/kit'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseEnv } from 'node:util'
import { SECRET_NAMES } from './support/secrets.ts'

const SCRIPT = fileURLToPath(new URL('../../../scripts/write-env.js', import.meta.url))

describe('npm run env', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-env-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  function write(name: string) {
    return spawnSync(process.execPath, [SCRIPT, join(folder, name)], { encoding: 'utf8' })
  }

  async function read(name: string): Promise<Record<string, string>> {
    return parseEnv(await readFile(join(folder, name), 'utf8')) as Record<string, string>
  }

  it('writes the secrets that compose asks for, which production takes, and says which', async () => {
    const { status, stdout } = write('.env')
    expect(status).toBe(0)
    const made = await read('.env')
    expect(Object.keys(made).sort()).toEqual([...SECRET_NAMES, 'GRAFANA_PASSWORD'].sort())
    for (const [name, value] of Object.entries(made)) {
      expect(stdout).toContain(name)
      expect(stdout).not.toContain(value)
    }
    expect(() =>
      readSettings(
        {
          NODE_ENV: 'production',
          JWT_SECRET: made.JWT_SECRET,
          ENCRYPTION_KEYS: made.ENCRYPTION_KEYS,
          REDIS_URL: `redis://default:${made.REDIS_PASSWORD}@redis:6379/0`,
          MONGO_URI: `mongodb://chatbox:${made.MONGO_PASSWORD}@mongo:27017/`,
          ALLOW_PLAINTEXT_BACKENDS: 'true',
          ALLOWED_ORIGINS: 'http://localhost:8080',
          LLM_PROVIDER_1_TYPE: 'demo',
        },
        'gateway',
      ),
    ).not.toThrow()
  })

  it('makes passwords that can stand in an address, and others each time', async () => {
    write('one')
    write('two')
    const [one, two] = [await read('one'), await read('two')]
    for (const name of ['REDIS_PASSWORD', 'MONGO_PASSWORD'])
      expect(one[name]).toMatch(/^[\w-]{43}$/)
    expect(new Set([...Object.values(one), ...Object.values(two)]).size).toBe(10)
  })

  it('gives the file to its owner alone', async () => {
    write('private')
    expect((await stat(join(folder, 'private'))).mode & 0o777).toBe(0o600)
  })

  it('never writes over a file', async () => {
    write('kept')
    const before = await read('kept')
    const { status, stderr } = write('kept')
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('is there already and stays as it is'),
    })
    expect(await read('kept')).toEqual(before)
  })
})
