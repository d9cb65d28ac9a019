import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  findSources,
  readBundleCoverage,
  readProcessCoverage,
  readUnused,
  toLines,
  type Lines,
} from './v8-coverage.ts'
import { readOptions } from './read-options.ts'
import { ROOT } from './run-command.ts'
import { runTests } from './test.ts'

interface Share {
  code: number
  ran: number
}

/**
 * The minimum percentage of lines that the tests must cover. `all` counts what is shipped. The
 * bench is a separate tool and has the limit of a package.
 */
const LIMITS = { all: 85, eachPackage: 80 }
const FOLDER = join(ROOT, 'coverage', 'raw')
const BENCH = 'bench'

async function measure(paths: readonly string[]): Promise<boolean> {
  await rm(FOLDER, { recursive: true, force: true })
  await mkdir(FOLDER, { recursive: true })
  process.env.CHATBOX_COVERAGE = FOLDER
  // Functions from a cache of compiled code are counted less exactly.
  process.env.NODE_DISABLE_COMPILE_CACHE = '1'
  return runTests({ jestArgs: paths })
}

/** Coverage by file. The source decides which lines are code; any process may have run them. */
async function countFiles(): Promise<Map<string, Share & { missed: number[] }>> {
  const sources = await findSources()
  const all = await toLines(readUnused(sources))
  const seen = [
    await toLines(readProcessCoverage(FOLDER)),
    await toLines(readBundleCoverage(FOLDER)),
  ]
  return new Map(
    sources.map((path) => {
      const code = [...(all.get(path)?.code ?? [])]
      const missed = code.filter((line) => !seen.some((lines) => hasRun(lines, path, line)))
      return [path, { code: code.length, ran: code.length - missed.length, missed }]
    }),
  )
}

function hasRun(lines: Lines, path: string, line: number): boolean {
  return lines.get(path)?.ran.has(line) ?? false
}

function sum(shares: Share[]): Share {
  return shares.reduce((a, b) => ({ code: a.code + b.code, ran: a.ran + b.ran }), {
    code: 0,
    ran: 0,
  })
}

function toPercent({ code, ran }: Share): number {
  return code === 0 ? 100 : (100 * ran) / code
}

function toPackage(path: string): string {
  return path.split('/src/')[0] ?? path
}

/** Prints the table and returns whether every limit is kept. */
async function report(): Promise<boolean> {
  const files = await countFiles()
  for (const [path, share] of files) {
    if (toPercent(share) < LIMITS.eachPackage) {
      console.log(
        `${toPercent(share).toFixed(1).padStart(6)} %  ${path}: ${toRanges(share.missed)}`,
      )
    }
  }
  console.log()
  const packages = Map.groupBy(files, ([path]) => toPackage(path))
  const rows = [...packages].map(([name, some]) => ({
    name,
    share: sum(some.map(([, share]) => share)),
    limit: LIMITS.eachPackage,
  }))
  const shipped = sum(rows.filter(({ name }) => name !== BENCH).map(({ share }) => share))
  rows.push({ name: 'all that is shipped', share: shipped, limit: LIMITS.all })
  for (const { name, share, limit } of rows) {
    const verdict = toPercent(share) >= limit ? 'ok    ' : 'FAILED'
    const percent = toPercent(share).toFixed(1).padStart(5)
    console.log(
      `${verdict} ${name.padEnd(22)} ${percent} % of ${share.code} lines (at least ${limit} %)`,
    )
  }
  const failed = rows.filter(({ share, limit }) => toPercent(share) < limit).length
  console.log(`${rows.length - failed} passed, ${failed} failed`)
  return failed === 0
}

function toRanges(lines: number[]): string {
  const ranges: [number, number][] = []
  for (const line of lines) {
    const last = ranges.at(-1)
    if (last && line <= last[1] + 1) last[1] = line
    else ranges.push([line, line])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(' ')
}

const { values, positionals } = readOptions({
  usage: 'npm run coverage --',
  about:
    'Runs every test, or those whose paths are named, and counts which lines of every package ran: in the tests, in every process that they started, and in the browser.',
  options: { report: { type: 'boolean', default: false, about: 'counts the run before' } },
  positionals: '[PATH...]',
})
const passed = values.report || (await measure(positionals))
if (!(await report()) || !passed) process.exitCode = 1
