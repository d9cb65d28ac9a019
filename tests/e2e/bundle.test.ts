import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, it } from '@jest/globals'
import { buildWeb } from '../../scripts/build-web.ts'

beforeAll(() => buildWeb(), 60_000)

describe.each([
  ['chat', 70],
  ['console', 130],
])('the built page of the %s', (page, maxKb) => {
  const ROOT = fileURLToPath(new URL(`../../web/${page}/dist/`, import.meta.url))

  it('loads no more compressed script than it may', async () => {
    const names = (await readdir(join(ROOT, 'assets'))).filter((name) => name.endsWith('.js'))
    const scripts = await Promise.all(names.map((name) => readFile(join(ROOT, 'assets', name))))
    const total = scripts.reduce((sum, script) => sum + gzipSync(script).length, 0)
    expect(names.length).toBeGreaterThan(0)
    expect(total).toBeLessThanOrEqual(maxKb * 1024)
  })

  it('has no inline script or style, and no address that depends on where it is served', async () => {
    const html = await readFile(join(ROOT, 'index.html'), 'utf8')
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i)
    for (const [, attributes = '', body = ''] of html.matchAll(/<script([^>]*)>([^<]*)/g)) {
      expect(attributes).toMatch(/src="\.\/assets\//)
      expect(body.trim()).toBe('')
    }
    for (const [, address] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
      expect(address).toMatch(/^\.\//)
    }
  })

  it('builds no code from text', async () => {
    const names = (await readdir(join(ROOT, 'assets'))).filter((name) => name.endsWith('.js'))
    for (const name of names) {
      const script = await readFile(join(ROOT, 'assets', name), 'utf8')
      expect(script).not.toMatch(/\beval\(|new Function\(/)
    }
  })
})
