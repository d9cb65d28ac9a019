// `npm run bench -- --suite NAME [--streams N] [--rounds N]`: measures a running system from
// outside, as a user of it would, and prints a table of the figures beside what they should reach.
import { parseArgs } from 'node:util'
import { measureFirstDelta } from './first-delta.ts'
import { measureStart } from './start.ts'
import { printFigures } from './figures.ts'
import type { Suite } from './suite.ts'

const SUITES: Record<string, Suite> = {
  'first-delta': measureFirstDelta,
  start: measureStart,
}

const { values } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true, default: Object.keys(SUITES) },
    streams: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '10' },
  },
})
const options = { streams: Number(values.streams), rounds: Number(values.rounds) }

for (const name of values.suite) {
  const measure = SUITES[name]
  if (!measure) throw new Error(`--suite takes ${Object.keys(SUITES).join(', ')}`)
  printFigures(name, await measure(options))
}
