import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseDocument } from 'yaml'
import { readChartImage } from '../../../scripts/release/rules.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const page = read('SECURITY.md')
const values = read('helm/chatbox/values.yaml')

/** What stands between backquotes and looks as `form` says. */
function named(form: RegExp): string[] {
  const words = [...page.matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? '')
  return words.filter((word) => form.test(word))
}

describe('SECURITY.md', () => {
  it('names values that the chart has', () => {
    const paths = named(/^[a-z]+[A-Za-z]*(?:\.[A-Za-z]+)+$/).filter(
      (path) => !path.endsWith('.txt'),
    )
    expect(paths.length).toBeGreaterThan(6)
    const document = parseDocument(values)
    expect(paths.filter((path) => !document.hasIn(path.split('.')))).toEqual([])
  })

  it('names settings that there are', () => {
    const settings = named(/^[A-Z]+(?:_[A-Z]+)+$/)
    expect(settings.length).toBeGreaterThan(6)
    const known = read('docs/configuration.md')
    expect(settings.filter((name) => !known.includes(`\`${name}\``))).toEqual([])
  })

  it('verifies what the release makes', () => {
    const release = read('.github/workflows/release.yml')
    const image = readChartImage(values)
    expect(page).toContain(`IMAGE=${image}\n`)
    expect(page).toContain(`"${image.replace(/[^/]*$/, 'charts')}/chatbox@$CHART_DIGEST"`)
    const files = ['SHA256SUMS.sigstore.json', 'image.txt']
    for (const file of files) {
      expect(page).toContain(file)
      expect(release).toContain(file)
    }
    expect(page).toContain('/.github/workflows/release.yml@refs/tags/v$VERSION')
    expect(release).toContain("tags: ['v*']")
  })
})
