import { glob, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CoverageReport } from 'monocart-coverage-reports'
import ts from 'typescript'
import { ROOT } from './run-command.ts'

interface V8Entry {
  url: string
  source: string
  sourceMap?: object
  functions: unknown[]
}

/** By the path of a source in this repository: its lines of code, and which of them ran. */
export type Lines = Map<string, { code: Set<number>; ran: Set<number> }>

const FOLDERS = /(?:^|\/)((?:shared|services|web)\/[^/]+\/src\/.*|bench\/src\/.*)$/

/** Converts V8's counts to lines of the sources, through source maps if there are any. */
export async function toLines(entries: AsyncIterable<V8Entry[]>): Promise<Lines> {
  const outputDir = await mkdtemp(join(tmpdir(), 'chatbox-coverage-'))
  const report = new CoverageReport({
    outputDir,
    reports: ['v8-json'],
    logging: 'error',
    sourcePath: toSourcePath,
  })
  for await (const some of entries) {
    if (some.length > 0) await report.add(some)
  }
  const results = await report.generate()
  await rm(outputDir, { recursive: true })
  const lines: Lines = new Map()
  for (const { sourcePath, data } of results?.files ?? []) {
    if (data && 'lines' in data && FOLDERS.test(sourcePath)) addLines(lines, sourcePath, data.lines)
  }
  return lines
}

function addLines(lines: Lines, path: string, counted: Record<string, number | string>): void {
  const found = lines.get(path) ?? { code: new Set(), ran: new Set() }
  for (const [line, hits] of Object.entries(counted)) {
    found.code.add(Number(line))
    // A line that ran in part is a fraction, for example `1/2`.
    if (hits !== 0) found.ran.add(Number(line))
  }
  lines.set(path, found)
}

/** A bundle's map names sources relative to itself; a process names them by their address. */
function toSourcePath(path: string): string {
  const [, inRepository] = FOLDERS.exec(path.replace(pathToFileURL(ROOT).href, '')) ?? []
  return inRepository ?? path
}

/** A file of a folder for NODE_V8_COVERAGE. The tests write the same format. */
interface RawCoverage {
  result: (Omit<V8Entry, 'source'> & { source?: string })[]
}

const OWN = ['shared/', 'services/', 'web/', 'bench/'].map(
  (name) => pathToFileURL(join(ROOT, name)).href,
)

/**
 * Reads what processes and tests loaded from source files, in parts, because a run of all tests
 * leaves gigabytes.
 */
export async function* readProcessCoverage(folder: string): AsyncGenerator<V8Entry[]> {
  for await (const { result } of readFolder(folder)) {
    yield await Promise.all(
      result
        .filter(({ url, source }) => source === undefined && isOwn(url))
        .map(async (entry) => ({ ...entry, source: await readStripped(entry.url) })),
    )
  }
}

/** Files that were loaded in another form than their source, with the map back: see `source`. */
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
    // A process that was killed while it wrote leaves half a file, which does not count.
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

/** Returns every file of a package that is not a test, even if nothing has loaded it. */
export async function findSources(): Promise<string[]> {
  const paths: string[] = []
  const patterns = ['{shared,services,web}/*/src/**/*.{ts,tsx}', 'bench/src/**/*.ts']
  for await (const path of glob(patterns, { cwd: ROOT })) {
    if (!/[.]test[.]|[.]d[.]tsx?$/.test(path)) paths.push(path)
  }
  return paths.toSorted()
}

/** Returns sources as V8 reports them when nothing has run, which shows the lines of code. */
export async function* readUnused(paths: readonly string[]): AsyncGenerator<V8Entry[]> {
  yield await Promise.all(paths.map(toUnused))
}

async function toUnused(path: string): Promise<V8Entry> {
  const text = await readFile(join(ROOT, path), 'utf8')
  const url = pathToFileURL(join(ROOT, path)).href
  const script = path.endsWith('.tsx')
    ? transpile(path, text)
    : { source: stripTypeScriptTypes(text) }
  const ranges = [{ startOffset: 0, endOffset: script.source.length, count: 0 }]
  return { url, ...script, functions: [{ functionName: '', isBlockCoverage: true, ranges }] }
}

function transpile(path: string, text: string): Pick<V8Entry, 'source' | 'sourceMap'> {
  const { outputText, sourceMapText = '{}' } = ts.transpileModule(text, {
    fileName: path,
    compilerOptions: {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      jsx: ts.JsxEmit.ReactJSX,
      sourceMap: true,
    },
  })
  const map = { ...(JSON.parse(sourceMapText) as object), sources: [path], sourcesContent: [text] }
  return { source: outputText, sourceMap: map }
}
