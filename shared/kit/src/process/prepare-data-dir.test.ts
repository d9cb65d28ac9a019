import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { prepareDataDir } from './prepare-data-dir.ts'
import { readSettings } from '../settings/read-settings.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'chatbox-keys-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
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
})
