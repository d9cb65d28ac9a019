import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createKeyRing, openSqliteStore } from '@chatbox/adapters'

const MAIN = fileURLToPath(new URL('../../services/audit/src/main.ts', import.meta.url))
const KEY = { id: 'k1', key: new Uint8Array(randomBytes(32)) }

describe('audit verify', () => {
  let dataDir: string
  let head: string

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'chatbox-audit-'))
    const hooks = { onError: () => undefined, onPayloadRefused: () => undefined }
    const store = await openSqliteStore({ dataDir, cipher: createKeyRing([KEY]), hooks })
    for (const target of ['1', '2', '3']) {
      const at = new Date()
      const entry = await store.audit.append({ at, actor: 'olga', action: 'session:open', target })
      head = `${entry.seq}.${entry.hash}`
    }
    await store.close()
  })
  afterAll(() => rm(dataDir, { recursive: true }))

  const run = (...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
    new Promise((resolve) => {
      const env = {
        PATH: process.env.PATH,
        NODE_ENV: 'test',
        DATA_DIR: dataDir,
        ENCRYPTION_KEYS: `${KEY.id}:${Buffer.from(KEY.key).toString('base64')}`,
      }
      const parts = ['--conditions=chatbox-source', MAIN, ...args]
      execFile(process.execPath, parts, { env }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      )
    })

  it('prints that a chain is whole, and its head', async () => {
    const whole = `3 entries, whole\nhead ${head}\n`
    expect(await run('verify')).toMatchObject({ code: 0, stdout: whole })
    expect(await run('verify', '--head', head)).toMatchObject({ code: 0, stdout: whole })
  })

  it('names each fault, and exits with 1', async () => {
    const db = new DatabaseSync(join(dataDir, 'chatbox.db'))
    db.exec(`UPDATE audit SET actor = 'nobody' WHERE seq = 2; DELETE FROM audit WHERE seq = 3`)
    db.close()
    const { code, stdout } = await run('verify', '--head', head)
    expect(code).toBe(1)
    expect(stdout).toContain('entry 2: changed\nentry 3: cut_tail\n2 entries, NOT whole\n')
  })

  it.each([[''], ['check'], ['verify', '--head', 'x'], ['verify', '--all']])(
    'says what it takes instead of %p',
    async (...args) => {
      const { code, stderr } = await run(...args)
      expect(code).toBe(1)
      expect(stderr).toContain('audit takes verify')
    },
  )
})
