// `npm test`: runs every test, or those that the arguments name, and ends with the counts. What ran is
// left in the folder that `CHATBOX_COVERAGE` names, for `npm run coverage -- --report`.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { readOptions } from './read-options.ts'
import { ROOT, runTool } from './run-command.ts'

interface Counts {
  passed: number
  failed: number
  skipped: number
  reasons: string[]
}

export const NODE_ARGS = [
  '--conditions=chatbox-source',
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
]
/**
 * Real servers and containers wait more than they work, so two suites share a machine of two cores.
 * Browsers and clusters under faults have times to keep and run alone.
 */
const PARTS = {
  unit: ['--maxWorkers=2'],
  system: ['--maxWorkers=2'],
  scenario: ['--runInBand'],
  operations: ['--maxWorkers=2'],
}

interface TestOptions {
  /** One part; without it all of them. */
  only?: string
  /** Paths, or parts of them, and arguments of jest. */
  jestArgs: readonly string[]
}

/** Runs the tests and prints the counts on the last line. Resolves with whether all passed. */
export async function runTests({ only, jestArgs }: TestOptions): Promise<boolean> {
  const counting = process.env.CHATBOX_COVERAGE ? ['--coverage'] : []
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-test-'))
  const total: Counts = { passed: 0, failed: 0, skipped: 0, reasons: [] }
  for (const [part, schedule] of Object.entries(PARTS)) {
    if (only && only !== part) continue
    const file = join(folder, `${part}.json`)
    const code = await runTool(
      'jest/bin/jest.js',
      ['--selectProjects', part, '--passWithNoTests', ...schedule, ...counting, ...jestArgs],
      { nodeArgs: NODE_ARGS, env: { CHATBOX_COUNTS: file } },
    )
    const { passed, failed, skipped, reasons } = await readCounts(file)
    total.passed += passed
    // A run that broke off is one failure.
    total.failed += failed === 0 && code !== 0 ? 1 : failed
    total.skipped += skipped
    total.reasons.push(...reasons)
  }
  await rm(folder, { recursive: true })
  report(total)
  return total.failed === 0
}

function readTestOptions(): TestOptions {
  const about = (what: string) => ({ type: 'boolean', default: false, about: what }) as const
  const { values, positionals } = readOptions({
    usage: 'npm test --',
    about:
      'Runs every test, or those whose paths are named, and prints the counts on the last line.',
    options: {
      unit: about('only tests beside the code, which need no server'),
      system: about('only tests with real servers'),
      scenario: about('only tests with browsers and whole clusters'),
      operations: about('only tests of the image, compose, the chart, alerts and pipelines'),
      testNamePattern: {
        type: 'string',
        short: 't',
        value: 'PATTERN',
        about: 'only tests whose names match',
      },
    },
    positionals: '[PATH...]',
  })
  const parts = Object.keys(PARTS) as (keyof typeof PARTS)[]
  const only = parts.find((part) => values[part])
  const { testNamePattern: pattern } = values
  const jestArgs = [...(pattern === undefined ? [] : ['-t', pattern]), ...positionals]
  return { jestArgs, ...(only === undefined ? {} : { only }) }
}

/** What jest's reporter has left; nothing where the run broke off before it could count. */
async function readCounts(file: string): Promise<Counts> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Counts
  } catch {
    return { passed: 0, failed: 0, skipped: 0, reasons: [] }
  }
}

function report({ passed, failed, skipped, reasons }: Counts): void {
  console.log()
  for (const reason of reasons) console.log(`skipped: ${relative(ROOT, reason)}`)
  const tail = skipped > 0 ? `, ${skipped} skipped` : ''
  console.log(`${passed} passed, ${failed} failed${tail}`)
}

if (import.meta.filename === process.argv[1] && !(await runTests(readTestOptions()))) {
  process.exitCode = 1
}
