import { parseArgs } from 'node:util'
import { Finding, PARTS } from './finding.ts'

/** Where a round trip ends. The last option asks a model, which costs money. */
const ENDS = ['socket', 'ack', 'answer'] as const
export type TripEnd = (typeof ENDS)[number]

interface TripArguments {
  /** The page's address without a trailing slash. */
  address: string
  withinMs: number
  until: TripEnd
  retry: boolean
  verbose: boolean
}

export type Arguments = { wish: 'help' } | { wish: 'ready' } | ({ wish: 'trip' } & TripArguments)

const UNITS_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
])
const MIN_WITHIN_MS = 1000
const MAX_WITHIN_MS = 10 * 60_000

/** Parses the command line. Throws a `Finding` of part `usage`. */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = readArguments(args)
  if (values.help) return { wish: 'help' }
  if (values.ready) {
    if (args.length > 1) throw usage('--ready stands alone')
    return { wish: 'ready' }
  }
  const [address, ...others] = positionals
  if (address === undefined) throw usage('the address of the page is missing')
  if (others.length > 0) throw usage('there is one address to give')
  return {
    wish: 'trip',
    address: toAddress(address),
    withinMs: toWithin(values.within),
    until: toEnd(values.until),
    retry: values.retry,
    verbose: values.verbose,
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', default: false },
        ready: { type: 'boolean', default: false },
        within: { type: 'string', default: '30s' },
        until: { type: 'string', default: 'answer' },
        retry: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    // Node's message names the argument. Everything after its first sentence is advice about `--`.
    throw usage(error instanceof Error ? (error.message.split('. ')[0] ?? '') : 'not understood')
  }
}

/** Rejects secrets in the address, because anybody can read the list of processes. */
function toAddress(text: string): string {
  const url = URL.parse(text)
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw usage('the address has to begin with http:// or https://')
  }
  if (url.username || url.password || url.search || url.hash) {
    throw usage('the address takes no user, no password and nothing after its path')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

function toWithin(text: string): number {
  const [, amount, unit = ''] = /^(\d{1,6})([a-z]+)$/.exec(text) ?? []
  const ms = Number(amount) * (UNITS_MS.get(unit) ?? Number.NaN)
  if (ms >= MIN_WITHIN_MS && ms <= MAX_WITHIN_MS) return ms
  throw usage('--within takes a duration with its unit, for example 30s, from 1s to 10m')
}

function toEnd(text: string): TripEnd {
  const end = ENDS.find((known) => known === text)
  if (end === undefined) throw usage(`--until takes one of ${ENDS.join(', ')}`)
  return end
}

function usage(sentence: string): Finding {
  return new Finding('usage', `${sentence}; see --help`)
}

const HEAD = `Asks whether chatbox works.

  probe --ready
      Whether this container's own process is ready: exit code 0 or 1, and what is not.

  probe [options] <address of the page>
      Makes a visitor's whole round trip, for example to http://gateway:8080/chatbox: token,
      websocket, question, streamed answer, log. Exit code 0, or a sentence with the part that is broken.

  --within 30s     the longest that all of it may take, 1s to 10m
  --until socket   stops once the websocket is up; no question is asked
  --until ack      stops once the question is acknowledged, and ends the session at once
  --retry          tries to reach the address again and again; nothing else is tried twice
  --verbose        a line for each step, with its milliseconds

The environment says who asks: PROBE_TOKEN is a token to show; without it the page's own visitor
token is taken, and where no visitors are let in, one signed with JWT_SECRET (JWT_ISSUER,
JWT_AUDIENCE). One PROBE_TOKEN is for one probe at a time: two would share a session. PROBE_ORIGIN
is the origin of the page, where it is not that of the address.

Exit codes:
`

export function toHelp(): string {
  const codes = Object.entries(PARTS).map(
    ([part, { code, means }]) => `  ${code}  ${part.padEnd(12)} ${means}`,
  )
  return `${HEAD}   0  ok\n${codes.join('\n')}\n`
}
