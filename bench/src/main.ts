import { readOptions, refuseUsage } from '../../scripts/read-options.ts'
import { endOnSignal } from '../../tests/environment/servers/child.ts'
import { prepareVersion, type OtherVersion } from '../../tests/environment/versions.ts'
import { openAgainst } from './compare/against.ts'
import type { OpenComparison, Profile } from './compare/comparison.ts'
import { printRecord } from './compare/print-record.ts'
import { runComparison } from './compare/run-comparison.ts'
import { saveRecord } from './report/records.ts'
import { writeReport } from './report/write-report.ts'
import { openAck } from './suites/ack.ts'
import { openConnect, openIdle } from './suites/connections.ts'
import { openControl } from './suites/control.ts'
import { openFlood } from './suites/flood.ts'
import { openGatewayKill } from './suites/gateway-kill.ts'
import { openInbox } from './suites/inbox.ts'
import { openHistory, openHistoryCluster, openManySessions } from './suites/open-session.ts'
import { openPickUp } from './suites/pick-up.ts'
import { openQuestion } from './suites/question.ts'
import { openRush } from './suites/rush.ts'
import { openSlowReader } from './suites/slow-reader.ts'
import { openLoneStream, openTokens } from './suites/tokens.ts'
import { openUnreadDownloads } from './suites/unread-downloads.ts'

const SUITES: Record<string, OpenComparison> = {
  control: openControl,
  tokens: openTokens,
  'lone-stream': openLoneStream,
  ack: openAck,
  connect: openConnect,
  idle: openIdle,
  history: openHistory,
  'history-cluster': openHistoryCluster,
  'many-sessions': openManySessions,
  'gateway-kill': openGatewayKill,
  'slow-reader': openSlowReader,
  flood: openFlood,
  'unread-downloads': openUnreadDownloads,
  'pick-up': openPickUp,
  question: openQuestion,
  rush: openRush,
  inbox: openInbox,
}
const NAMES = Object.keys(SUITES)
/** The suites whose entrant "ours" can be another version. */
const AGAINST = ['control', 'tokens', 'ack']
const ROUNDS: Record<Profile, number> = { smoke: 1, quick: 2, full: 5 }

const { values } = readOptions({
  usage: 'npm run bench --',
  about:
    'Measures a running system from outside, as its users do, and prints the figures beside what they should reach.',
  options: {
    suite: {
      type: 'string',
      multiple: true,
      value: NAMES,
      about: 'what to measure; may be given more than once, without it everything',
    },
    against: {
      type: 'string',
      value: 'REF',
      about: `only the product, now and at this git commit, in one interleaved run; suites ${AGAINST.join(', ')}`,
    },
    rounds: { type: 'string', value: 'N', about: 'how often each side is measured' },
    profile: {
      type: 'string',
      default: 'quick',
      value: Object.keys(ROUNDS),
      about: 'how long and how often a comparison measures',
    },
    save: {
      type: 'boolean',
      default: false,
      about: 'keeps the records of comparisons and writes the report from all of them',
    },
    report: { type: 'boolean', default: false, about: 'only writes the report anew' },
  },
})

async function runSuite(name: string, version?: OtherVersion): Promise<void> {
  const open = SUITES[name]
  if (!open) return
  // The options allow no other word.
  const profile = values.profile as Profile
  const comparison = await (version ? openAgainst(open, profile, version) : open(profile))
  try {
    const rounds = Number(values.rounds ?? ROUNDS[profile])
    const record = await runComparison(comparison, { rounds, profile })
    printRecord(record)
    if (values.save) await saveRecord(record)
  } finally {
    await comparison.close()
  }
}

async function runSuites(): Promise<void> {
  const { against, suite = against === undefined ? NAMES : AGAINST } = values
  const version = against === undefined ? undefined : await prepareVersion(against)
  try {
    for (const name of suite) await runSuite(name, version)
  } finally {
    await version?.remove()
  }
}

const other = values.suite?.find((name) => !AGAINST.includes(name))
if (values.against !== undefined && other !== undefined) {
  refuseUsage(`--against measures ${AGAINST.join(', ')}, not ${other}`)
}
endOnSignal()
if (!values.report) await runSuites()
if (values.save || values.report) await writeReport(NAMES)
