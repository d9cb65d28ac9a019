import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const PAGES = ['chat', 'console']

interface SourceMap {
  sources: string[]
}

/**
 * Counts what the pages' own scripts run in Chromium, over reloads too, when a coverage run asks for
 * it; else does nothing. Call it before the first `goto`; call what it returns before the page
 * closes, which writes the counts beside those of the other processes.
 */
export async function recordBrowserCoverage(page: Page): Promise<() => Promise<void>> {
  const folder = process.env.CHATBOX_COVERAGE
  if (folder === undefined) return async () => undefined
  await page.coverage.startJSCoverage({ resetOnNavigation: false })
  return async () => {
    // A test may be about a page that is closed.
    if (page.isClosed()) return
    const scripts = await page.coverage.stopJSCoverage()
    const own = scripts.filter(
      ({ url, source }) => url.includes('/assets/') && source !== undefined,
    )
    const result = await Promise.all(
      own.map(async (script) => ({ ...script, sourceMap: await readSourceMap(script.url) })),
    )
    await writeFile(
      join(folder, `coverage-browser-${randomUUID()}.json`),
      JSON.stringify({ result }),
    )
  }
}

/** The map names its sources from where it lies; reports name them from the repository's folder. */
async function readSourceMap(url: string): Promise<SourceMap> {
  const name = `${new URL(url).pathname.split('/').at(-1)}.map`
  const paths = PAGES.map((page) => join(ROOT, 'web', page, 'dist/assets', name))
  const path = paths.find((one) => existsSync(one)) ?? name
  const map = JSON.parse(await readFile(path, 'utf8')) as SourceMap
  const sources = map.sources.map((source) => relative(ROOT, join(dirname(path), source)))
  return { ...map, sources }
}
