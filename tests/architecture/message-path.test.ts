import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'

const ROOT = new URL('../../', import.meta.url)
const ROW = /^\| `(?:(\w+)\.)?(\w+)` +\| `([\w/.-]+\.ts)` +\|$/gm
const MOST = 12
const MOST_FILES = 45
/** A row of files: the step, the folder, the files in it. */
const FILES = /^\|[^|]*\| `([\w/-]+\/)`: ([^|]+)\|$/gm

const read = (path: string): Promise<string> => readFile(fileURLToPath(new URL(path, ROOT)), 'utf8')

describe('the way of one message in the documentation', () => {
  it('names functions that are there, at most twelve', async () => {
    const text = await read('docs/architecture.md')
    const [, section = ''] = text.split('## The way of one message')
    const steps = [...section.matchAll(ROW)]
    expect(steps.length).toBeGreaterThan(0)
    expect(steps.length).toBeLessThanOrEqual(MOST)
    for (const [, owner, name = '', path = ''] of steps) {
      const source = await read(path)
      const declared = owner
        ? new RegExp(`(class|interface) ${owner}\\b[^]*\\n  (async )?${name}(<.*>)?\\(`)
        : new RegExp(`export (async )?function ${name}\\b`)
      expect({ path, name, isThere: declared.test(source) }).toEqual({ path, name, isThere: true })
      expect(section.split('| Function')[0]).toContain(owner ? `${owner}.${name}` : name)
    }
  })

  it('names the files that one opens to follow it, at most 45', async () => {
    const [, section = ''] = (await read('docs/architecture.md')).split('## The way of one message')
    const files = [...section.matchAll(FILES)].flatMap(([, folder = '', names = '']) =>
      Array.from(names.matchAll(/`([^`]+)`/g), ([, name = '']) => folder + name),
    )
    expect(section).toContain(`open these ${files.length} files`)
    expect(files.length).toBeLessThanOrEqual(MOST_FILES)
    expect(new Set(files).size).toBe(files.length)
    for (const path of files) expect(await read(path)).toContain('export ')
  })
})
