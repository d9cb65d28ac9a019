import { pino, type DestinationStream, type LevelWithSilent, type Logger } from 'pino'
import { toErrorFields } from './error-fields.ts'
import { toPlainLine } from './plain-line.ts'
import { createScrubber, HIDDEN } from './redaction.ts'
import { requestFields } from './request-context.ts'

export type { Logger }

interface LoggerOptions {
  /** Short lines for a person at a terminal instead of JSON. */
  plain?: boolean
  /** Texts that appear in no line, whatever brought them there. */
  secrets?: readonly string[]
  destination?: DestinationStream
}

/** A field of one of these names is hidden, wherever it sits. */
const SECRET_FIELDS = ['token', 'authorization', 'cookie', 'password', 'secret', 'apiKey', 'auth']

/**
 * One line of JSON for each thing that happened, on standard output. Lines carry the ids of the
 * request that they belong to. Callers log ids, never texts, tokens or addresses of people.
 */
export function createLogger(
  service: string,
  level: LevelWithSilent,
  options: LoggerOptions = {},
): Logger {
  const scrub = createScrubber(options.secrets ?? [])
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: requestFields,
      serializers: { err: (error: unknown) => toErrorFields(error) },
      redact: { paths: SECRET_FIELDS.flatMap((name) => [name, `*.${name}`]), censor: HIDDEN },
      hooks: {
        streamWrite: (line) => (options.plain ? toPlainLine(scrub(line)) : scrub(line)),
      },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  )
}
