import { readdir, readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { ROOT } from '../run-command.ts'
import type { V8Entry } from './lines.ts'

/** One file of a folder for NODE_V8_COVERAGE; the tests write theirs in the same form. */
interface RawCoverage {
  result: (Omit<V8Entry, 'source'> & { source?: string })[]
}

const OWN = ['shared/', 'services/', 'web/', 'bench/'].map(
  (name) => pathToFileURL(join(ROOT, name)).href,
)

/** What processes and tests loaded from source files, in parts: a run of all tests leaves gigabytes. */
export async function* readProcessCoverage(folder: string): AsyncGenerator<V8Entry[]> {
  for await (const { result } of readFolder(folder)) {
    yield await Promise.all(
      result
        .filter(({ url, source }) => source === undefined && isOwn(url))
        .map(async (entry) => ({ ...entry, source: await readStripped(entry.url) })),
    )
  }
}

/** What was loaded in another form than its source's, with the map that leads back: see `source`. */
export async function* readBundleCoverage(folder: string): AsyncGenerator<V8Entry[]> {
  for await (const { result } of readFolder(folder)) {
    yield result.flatMap(({ source, ...entry }) =>
      source === undefined ? [] : [{ ...entry, source }],
    )
  }
}

async function* readFolder(folder: string): AsyncGenerator<RawCoverage> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.json')) continue
    const text = await readFile(join(folder, name), 'utf8')
    // A process that was killed while it wrote leaves half a file: what it ran does not count.
    const raw = text.endsWith('}') ? (JSON.parse(text) as RawCoverage) : { result: [] }
    yield raw
  }
}

function isOwn(url: string): boolean {
  return (
    url.endsWith('.ts') && !url.endsWith('.test.ts') && OWN.some((folder) => url.startsWith(folder))
  )
}

const stripped = new Map<string, string>()

async function readStripped(url: string): Promise<string> {
  const known = stripped.get(url)
  if (known !== undefined) return known
  const source = stripTypeScriptTypes(await readFile(fileURLToPath(url), 'utf8'))
  stripped.set(url, source)
  return source
}
