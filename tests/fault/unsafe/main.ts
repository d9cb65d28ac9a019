// `node tests/fault/unsafe/main.ts [--seed N] [--out FOLDER] [--only SAFETY,SAFETY]`: runs every
// negative control with and without its safety. Exit code 1 unless each is proven.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { endWithParent } from '../../../scripts/end-with-parent.ts'
import { CONTROLS } from './controls.ts'
import { runControls } from './run-controls.ts'

endWithParent()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(1))
}
const { values } = parseArgs({
  options: { seed: { type: 'string' }, out: { type: 'string' }, only: { type: 'string' } },
})
const wanted = values.only?.split(',')
const outcomes = await runControls({
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  folder: values.out ?? (await mkdtemp(join(tmpdir(), 'chatbox-controls-'))),
  report: (line) => void process.stdout.write(`${line}\n`),
  controls: CONTROLS.filter(({ without }) => wanted?.includes(without) ?? true),
})
if (!outcomes.every(({ isProven }) => isProven)) process.exitCode = 1
