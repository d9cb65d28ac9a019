import { readOptions } from './read-options.ts'
import { runNode } from './run-command.ts'

const SOURCE = '--conditions=chatbox-source'
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
let failed = 0
for (const [name, command] of Object.entries(STEPS)) {
  const startedAt = performance.now()
  const code = await runNode(command)
  if (code !== 0) failed += 1
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`)
}
console.log(`${Object.keys(STEPS).length - failed} passed, ${failed} failed`)
if (failed > 0) process.exitCode = 1
