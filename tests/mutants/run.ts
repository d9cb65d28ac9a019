import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endWithParent } from '../../scripts/end-with-parent.ts'
import { readOptions, refuseUsage } from '../../scripts/read-options.ts'
import { ROOT } from '../../scripts/run-command.ts'
import { endOnSignal } from '../environment/servers/child.ts'
import { NODE_ARGS } from '../../scripts/test.ts'
import { copyRepository } from '../architecture/repository-copy.ts'
import { applyMutant, readMutants, type Mutant } from './mutants.ts'

const MAX_SUITE_MS = 300_000
/** A suite that takes much longer with a mutant than without is stuck in it. */
const toMaxMs = (greenMs: number): number => Math.min(MAX_SUITE_MS, 60_000 + 5 * Math.ceil(greenMs))

/** How a suite ended. A suite that could not be loaded has tested nothing. */
type End = 'green' | 'red' | 'stuck' | 'not loaded'

interface Counts {
  numPassedTests: number
  numFailedTests: number
  numRuntimeErrorTestSuites: number
}

/** Runs a suite of the copy in `folder`, with all that it starts in a process group of its own. */
async function runSuite(folder: string, suite: Mutant, maxMs: number): Promise<End> {
  const counts = join(home, 'counts.json')
  rmSync(counts, { force: true })
  const jest = ['node_modules/jest/bin/jest.js', '--runInBand', '--forceExit', '--json']
  const tests = ['--selectProjects', suite.part, '--runTestsByPath', suite.suite]
  const child = spawn(
    process.execPath,
    [...NODE_ARGS, ...jest, `--outputFile=${counts}`, ...tests],
    // A test that would be skipped has to fail: it notices nothing.
    { cwd: folder, stdio: 'ignore', detached: true, env: { ...process.env, CI: 'true' } },
  )
  leader = child.pid
  const late = AbortSignal.timeout(maxMs)
  late.addEventListener('abort', killGroup)
  await once(child, 'exit')
  late.removeEventListener('abort', killGroup)
  killGroup()
  return late.aborted ? 'stuck' : toEnd(JSON.parse(await readFile(counts, 'utf8')) as Counts)
}

function toEnd({ numPassedTests, numFailedTests, numRuntimeErrorTestSuites }: Counts): End {
  if (numFailedTests > 0) return 'red'
  return numRuntimeErrorTestSuites > 0 || numPassedTests === 0 ? 'not loaded' : 'green'
}

function killGroup(): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Everything in it has ended.
  }
  leader = undefined
}

/** In the order of their suites. */
function chooseMutants(): Mutant[] {
  const { values } = readOptions({
    usage: 'npm run test:mutants --',
    about:
      'Takes one safety after the other out of a copy of the product and runs the suite that has to notice. Prints each mutant with how its suite ended. The last line counts those that were noticed and those that survived; the exit code is 1 when one survived.',
    options: {
      only: { type: 'string', value: 'NAME,NAME', about: 'only these of tests/mutants/patches' },
    },
  })
  const all = readMutants().toSorted((a, b) => a.suite.localeCompare(b.suite))
  const names = values.only?.split(',')
  const other = names?.find((wanted) => !all.some(({ name }) => name === wanted))
  if (other !== undefined) refuseUsage(`There is no mutant ${other}`)
  return names ? all.filter(({ name }) => names.includes(name)) : all
}

const mutants = chooseMutants()
/** Everything that a run leaves on the disk, and the leader of the processes that run. */
const home = mkdtempSync(join(tmpdir(), 'chatbox-mutants-'))
let leader: number | undefined
endWithParent()
endOnSignal()
process.on('exit', () => {
  killGroup()
  rmSync(home, { recursive: true, force: true, maxRetries: 5 })
})
// For the copy, and for whatever the suites leave behind.
process.env.TMPDIR = home
const { folder } = await copyRepository()
await symlink(join(ROOT, '.runtime'), join(folder, '.runtime'))

const greenMs = new Map<string, number>()
let noticed = 0
for (const [index, mutant] of mutants.entries()) {
  const { name, suite, about } = mutant
  if (!greenMs.has(suite)) {
    const startedAt = performance.now()
    const end = await runSuite(folder, mutant, MAX_SUITE_MS)
    // A suite that is red by itself would notice anything.
    if (end !== 'green') throw new Error(`${suite} is ${end} without a mutant`)
    greenMs.set(suite, performance.now() - startedAt)
  }
  await applyMutant(mutant, folder, '--verbose')
  const end = await runSuite(folder, mutant, toMaxMs(greenMs.get(suite) ?? 0))
  await applyMutant(mutant, folder, '--reverse')
  const isNoticed = end === 'red' || end === 'stuck'
  if (isNoticed) noticed += 1
  const verdict = isNoticed ? `noticed, ${end}` : `SURVIVED, ${end}`
  process.stdout.write(`${index + 1}/${mutants.length} ${name}: ${verdict}. ${about}\n`)
}
process.stdout.write(`${noticed} passed, ${mutants.length - noticed} failed\n`)
if (noticed < mutants.length) process.exitCode = 1
