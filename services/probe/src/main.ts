import { Finding, PARTS } from './finding.ts'
import { findOwnFault } from './own-readiness.ts'
import { parseArguments, toHelp } from './parse-arguments.ts'

/** How long open handles may keep the process, so that the last messages can be sent. */
const LINGER_MS = 250
/** `EX_SOFTWARE` of sysexits: a fault of the probe itself. */
const EXIT_OWN_FAULT = 70

async function main(): Promise<void> {
  const wish = parseArguments(process.argv.slice(2))
  if (wish.wish === 'help') {
    process.stdout.write(toHelp())
  } else if (wish.wish === 'ready') {
    const fault = await findOwnFault(process.env.MANAGEMENT_PORT ?? '9090')
    if (fault !== undefined) say(1, `not ready: ${fault}`)
  } else {
    // Loaded only here, because the readiness check runs every few seconds and does not need it.
    const { makeRoundTrip } = await import('./round-trip.ts')
    const { PROBE_TOKEN, PROBE_ORIGIN, JWT_SECRET, JWT_ISSUER, JWT_AUDIENCE } = process.env
    const report = await makeRoundTrip({
      ...wish,
      origin: PROBE_ORIGIN ?? new URL(wish.address).origin,
      identity: {
        token: PROBE_TOKEN?.trim(),
        secret: JWT_SECRET?.trim(),
        issuer: JWT_ISSUER?.trim(),
        audience: JWT_AUDIENCE?.trim(),
      },
      onStep(line) {
        if (wish.verbose) process.stdout.write(`${line}\n`)
      },
    })
    process.stdout.write(`ok: ${report}\n`)
  }
}

function say(exitCode: number, sentence: string): void {
  process.stderr.write(`probe: ${sentence}\n`)
  process.exitCode = exitCode
}

try {
  await main()
} catch (error) {
  if (error instanceof Finding) say(PARTS[error.part].code, `${error.part}: ${error.message}`)
  else say(EXIT_OWN_FAULT, `a fault of its own: ${String(error)}`)
}
setTimeout(() => process.exit(), LINGER_MS).unref()
