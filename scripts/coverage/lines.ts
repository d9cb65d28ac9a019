import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CoverageReport } from 'monocart-coverage-reports'
import { ROOT } from '../run-command.ts'

export interface V8Entry {
  url: string
  source: string
  sourceMap?: object
  functions: unknown[]
}

/** By the path of a source in this repository: its lines of code, and which of them ran. */
export type Lines = Map<string, { code: Set<number>; ran: Set<number> }>

const FOLDERS = /(?:^|\/)((?:shared|services|web)\/[^/]+\/src\/.*|bench\/src\/.*)$/

/** What V8 counted, as lines of the sources: through their source maps where they have one. */
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
    // A line that ran in part is given as a share, such as `1/2`.
    if (hits !== 0) found.ran.add(Number(line))
  }
  lines.set(path, found)
}

/** A bundle's map names sources from where it lies; a process names them by their address. */
function toSourcePath(path: string): string {
  const [, inRepository] = FOLDERS.exec(path.replace(pathToFileURL(ROOT).href, '')) ?? []
  return inRepository ?? path
}
