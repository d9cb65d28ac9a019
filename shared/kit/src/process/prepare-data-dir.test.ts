import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import { prepareDataDir } from './prepare-data-dir.ts'
import { readSettings } from '../settings/read-settings.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatbox-keys-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
  jest.restoreAllMocks()
})

function prepare(env: Record<string, string> = {}) {
  return prepareDataDir(readSettings({ DATA_DIR: join(folder, 'data'), ...env }, 'standalone'))
}

describe('keys of a standalone process outside production', () => {
  it('are made once, strong, and kept where only their user can read them', () => {
    const first = prepare()
    const second = prepare()
    expect(first.settings.auth.jwtSecret).toMatch(/^[\w-]{64}$/)
    expect(first.settings.stores.encryptionKeys[0]?.key).toHaveLength(32)
    expect(second.settings).toEqual(first.settings)
    expect(statSync(first.keysFile ?? '').mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700)
  })

  it('leave keys that were given alone', () => {
    const secret = randomBytes(24).toString('base64')
    const { settings } = prepare({ JWT_SECRET: secret })
    expect(settings.auth.jwtSecret).toBe(secret)
    expect(settings.stores.encryptionKeys).toHaveLength(1)
    const { JWT_SECRET, ENCRYPTION_KEYS } = {
      JWT_SECRET: secret,
      ENCRYPTION_KEYS: `a:${Buffer.from(settings.stores.encryptionKeys[0]?.key ?? []).toString('base64')}`,
    }
    expect(prepare({ JWT_SECRET, ENCRYPTION_KEYS }).keysFile).toBeUndefined()
  })

  it('are never replaced when their file is damaged', () => {
    const path = prepare().keysFile ?? ''
    writeFileSync(path, '{"jwtSecret":"')
    expect(() => prepare()).toThrow(/DATA_DIR cannot be used: .* does not hold development keys/)
    expect(readFileSync(path, 'utf8')).toBe('{"jwtSecret":"')
  })

  it('are not taken from a file of another user, nor from anything but a file', () => {
    const path = prepare().keysFile ?? ''
    const refusal = /DATA_DIR cannot be used: .* was not made by this user; move it away/
    jest.spyOn(process, 'getuid').mockReturnValue(statSync(path).uid + 1)
    expect(() => prepare()).toThrow(refusal)
    jest.restoreAllMocks()
    renameSync(path, `${path}.theirs`)
    symlinkSync(`${path}.theirs`, path)
    expect(() => prepare()).toThrow(refusal)
    rmSync(path)
    symlinkSync(`${path}.none`, path)
    expect(() => prepare()).toThrow(refusal)
    rmSync(path)
    mkdirSync(path)
    expect(() => prepare()).toThrow(refusal)
    rmdirSync(path)
    execFileSync('mkfifo', [path])
    expect(() => prepare()).toThrow(refusal)
  })

  it('are those of the file that was checked, even if it is replaced meanwhile', () => {
    const { keysFile: path = '', settings } = prepare()
    const planted = join(folder, 'planted.json')
    writeFileSync(planted, readFileSync(path, 'utf8').replace(/[\w-]{64}/u, 'x'.repeat(64)))
    const uid = statSync(path).uid
    jest.spyOn(process, 'getuid').mockImplementation(() => {
      rmSync(path)
      symlinkSync(planted, path)
      return uid
    })
    expect(prepare().settings.auth.jwtSecret).toBe(settings.auth.jwtSecret)
  })
})

describe('the data folder in production', () => {
  const base64 = (): string => randomBytes(32).toString('base64')
  const production = {
    NODE_ENV: 'production',
    JWT_SECRET: base64(),
    ENCRYPTION_KEYS: `a:${base64()}`,
    ALLOWED_ORIGINS: 'https://www.site.org',
    LLM_PROVIDER_1_TYPE: 'demo',
  }

  it.each([
    [0o777, false],
    [0o702, false],
    [0o1777, false],
    [0o770, false],
    [0o720, false],
    [0o2775, false],
    [0o755, true],
    [0o750, true],
    [0o700, true],
  ])('of mode %o is accepted: %s', (mode, accepted) => {
    mkdirSync(join(folder, 'data'))
    chmodSync(join(folder, 'data'), mode)
    if (accepted) expect(prepare(production).keysFile).toBeUndefined()
    else
      expect(() => prepare(production)).toThrow(
        'other users of this machine may write to it; run chmod go-w',
      )
    expect(prepare().keysFile).toBeDefined()
  })
})
