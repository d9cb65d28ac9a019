import { execFile } from 'node:child_process'
import { readOptions } from './read-options.ts'
import { ROOT } from './run-command.ts'

const SOURCE = '--conditions=chatbox-source'
/** Each step keeps one core busy, and has no use for what another one writes. */
const AT_ONCE = 2
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
const FOLDERS = ['shared', 'services', 'web', 'bench', 'tests', 'scripts']

const STEPS: Record<string, readonly string[]> = {
  formatting: ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level=warn', '.'],
  types: ['node_modules/typescript/bin/tsc', '-b'],
  lint: ['node_modules/eslint/bin/eslint.js', '.'],
  dependencies: [
    'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
    '--config',
    '.dependency-cruiser.cjs',
    '--output-type=err-long',
    ...FOLDERS,
  ],
  'dead code': ['node_modules/knip/bin/knip.js'],
  documents: [SOURCE, 'scripts/write-docs.ts', '--check'],
}

readOptions({
  usage: 'npm run check --',
  about: `Says everything that can be said about the code without running it: ${Object.keys(STEPS).join(', ')}. All steps run, and the last line counts them.`,
  options: {},
})
const waiting = Object.entries(STEPS)
let failed = 0
await Promise.all(Array.from({ length: AT_ONCE }, runWaiting))
console.log(`${Object.keys(STEPS).length - failed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1

async function runWaiting(): Promise<void> {
  for (let step = waiting.shift(); step; step = waiting.shift()) {
    const [name, command] = step
    const startedAt = performance.now()
    const { hasFailed, said } = await run(command)
    if (hasFailed) failed += 1
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${said}${hasFailed ? 'FAILED' : 'ok    '} ${name} (${seconds} s)`)
  }
}

/** What it says is kept until its end, because another one speaks meanwhile. */
function run(command: readonly string[]): Promise<{ hasFailed: boolean; said: string }> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, maxBuffer: MAX_OUTPUT_BYTES }
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      resolve({ hasFailed: error !== null, said: `${stdout}${stderr}` })
    })
  })
}
