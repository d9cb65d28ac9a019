// `npm run bench -- --suite NAME [--rounds N] [--profile smoke|quick|full] [--streams N] [--save]`: measures
// a running system from outside, as a user of it would, and prints the figures beside what they
// should reach. `--save` keeps the record of a comparison, and writes the report from all of them.
import { parseArgs } from 'node:util'
import { endOnSignal } from '../../scripts/servers/end-on-signal.ts'
import type { OpenComparison, Profile } from './compare/comparison.ts'
import { printRecord } from './compare/print-record.ts'
import { runComparison } from './compare/run-comparison.ts'
import { measureFirstDelta } from './first-delta.ts'
import { printFigures } from './figures.ts'
import { saveRecord } from './report/records.ts'
import { writeReport } from './report/write-report.ts'
import { measureStart } from './start.ts'
import type { Suite } from './suite.ts'
import { openAck } from './suites/ack.ts'
import { openConnect } from './suites/connect.ts'
import { openControl } from './suites/control.ts'
import { openIdle } from './suites/idle.ts'
import { openHistory, openHistoryCluster } from './suites/history.ts'
import { openManySessions } from './suites/many-sessions.ts'
import { openGatewayKill } from './suites/gateway-kill.ts'
import { openGatewayTerm } from './suites/gateway-term.ts'
import { openWorkerKill } from './suites/worker-kill.ts'
import { openPickUp } from './suites/pick-up.ts'
import { openSlowReader } from './suites/slow-reader.ts'
import { openTokens } from './suites/tokens.ts'

const SUITES: Record<string, Suite> = {
  'first-delta': measureFirstDelta,
  start: measureStart,
}
const COMPARISONS: Record<string, OpenComparison> = {
  control: openControl,
  tokens: openTokens,
  ack: openAck,
  connect: openConnect,
  idle: openIdle,
  history: openHistory,
  'history-cluster': openHistoryCluster,
  'many-sessions': openManySessions,
  'worker-kill': openWorkerKill,
  'gateway-kill': openGatewayKill,
  'gateway-term': openGatewayTerm,
  'slow-reader': openSlowReader,
  'pick-up': openPickUp,
}
const NAMES = [...Object.keys(SUITES), ...Object.keys(COMPARISONS)]
const ROUNDS: Record<Profile, number> = { smoke: 1, quick: 2, full: 5 }
const FIGURE_ROUNDS = 10

const { values } = parseArgs({
  options: {
    suite: { type: 'string', multiple: true, default: NAMES },
    streams: { type: 'string', default: '20' },
    rounds: { type: 'string' },
    profile: { type: 'string', default: 'quick' },
    save: { type: 'boolean', default: false },
    report: { type: 'boolean', default: false },
  },
})

async function runSuite(name: string): Promise<void> {
  const measure = SUITES[name]
  if (measure) {
    const rounds = Number(values.rounds ?? FIGURE_ROUNDS)
    printFigures(name, await measure({ streams: Number(values.streams), rounds }))
    return
  }
  const open = COMPARISONS[name]
  if (!open) throw new Error(`--suite takes ${NAMES.join(', ')}`)
  const profile = toProfile(values.profile)
  const comparison = await open(profile)
  try {
    const rounds = Number(values.rounds ?? ROUNDS[profile])
    const record = await runComparison(comparison, { rounds, profile })
    printRecord(record)
    if (values.save) await saveRecord(record)
  } finally {
    await comparison.close()
  }
}

function toProfile(word: string): Profile {
  if (word === 'smoke' || word === 'quick' || word === 'full') return word
  throw new Error(`--profile takes ${Object.keys(ROUNDS).join(', ')}`)
}

endOnSignal()
if (!values.report) for (const name of values.suite) await runSuite(name)
if (values.save || values.report) await writeReport(Object.keys(COMPARISONS))
