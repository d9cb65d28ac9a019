import { AsyncLocalStorage } from 'node:async_hooks'
import { pino, type DestinationStream, type LevelWithSilent, type Logger } from 'pino'
import { z } from 'zod'
import { toErrorFields } from './error-fields.ts'
import { createScrubber, HIDDEN } from './redaction.ts'

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

const lineSchema = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().default(''),
  err: z.looseObject({ message: z.string(), stack: z.string().default('') }).optional(),
})

/**
 * A JSON log line as a person reads it: time, level where it is not `info`, message, fields. Values
 * stay in JSON form, so that no text in them can pass for a line of its own. Only what ends the
 * process shows its stack, indented. `pino-pretty` keeps a line break that is in a message, and
 * writes every error over many lines.
 */
function toPlainLine(line: string): string {
  const { level, time, msg, err, ...fields } = lineSchema.parse(JSON.parse(line))
  const parts = [
    time.slice(11, 19),
    ...(level === 'info' ? [] : [level.toUpperCase()]),
    JSON.stringify(msg).slice(1, -1),
    ...(err ? [`(${JSON.stringify(err.message).slice(1, -1)})`] : []),
    ...Object.entries(fields)
      .filter(([name]) => name !== 'service')
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  ]
  return `${parts.join(' ')}\n${level === 'fatal' && err ? toIndented(err.stack) : ''}`
}

function toIndented(stack: string): string {
  return stack
    .split(/\r?\n|\r/)
    .map((line) => `    ${line}\n`)
    .join('')
}

interface RequestContext {
  requestId: string
  sessionId?: string
}

const storage = new AsyncLocalStorage<RequestContext>()

/**
 * Runs `run`, and everything that it awaits, under one request id: from a socket event or an HTTP
 * request through its job to the provider call. Every log line inside carries the id.
 */
export function withRequestId<T>(requestId: string, run: () => T): T {
  return storage.run({ requestId }, run)
}

export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId
}

/** Adds the session to the log lines of the current request; nothing happens outside of one. */
export function nameSession(sessionId: string): void {
  const context = storage.getStore()
  if (context) context.sessionId = sessionId
}

/** What each log line of the current request carries. */
function requestFields(): { requestId?: string; sessionId?: string } {
  return { ...storage.getStore() }
}
