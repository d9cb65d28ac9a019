import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { createPseudonym } from '../../shared/adapters/src/sealed/pseudonym.ts'

const PAGE = new URL('../../docs/operations.md', import.meta.url)
const NAMES = ['203.0.113.7', '2001:db8:1:2::/64', 'ann@example.org']

describe('the command in docs/operations.md that finds an address by its mark', () => {
  const [, program = ''] = /<<'EOF'\n(.+?)\nEOF\n/su.exec(readFileSync(PAGE, 'utf8')) ?? []

  it.each(['base64', 'base64url', 'hex'] as const)('knows a key in %s', (encoding) => {
    const key = randomBytes(32)
    const env = { ENCRYPTION_KEYS: ` k2:${key.toString(encoding)}, k1:${'0'.repeat(64)}` }
    const printed = execFileSync(process.execPath, ['-', ...NAMES], { input: program, env })
    const pseudonym = createPseudonym([{ id: 'k2', key }])
    expect(printed.toString().trim().split('\n')).toEqual(
      NAMES.map((name) => `${pseudonym(name)} ${name}`),
    )
  })
})
