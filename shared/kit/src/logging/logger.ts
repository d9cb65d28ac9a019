import { AsyncLocalStorage } from 'node:async_hooks'
import { pino, type DestinationStream, type LevelWithSilent, type Logger } from 'pino'
import { z } from 'zod'
import { toErrorFields } from './error-fields.ts'
import { createScrubber, HIDDEN } from './redaction.ts'

export type { Logger }

interface LoggerOptions {
  /** Writes short lines for a person at a terminal instead of JSON. */
  plain?: boolean
  /** Texts that must not appear in any line. */
  secrets?: readonly string[]
  destination?: DestinationStream
}

/** A field with one of these names is hidden at every level. */
const SECRET_FIELDS = ['token', 'authorization', 'cookie', 'password', 'secret', 'apiKey', 'auth']

/**
 * Writes one JSON line for each event to standard output. Each line contains the ids of its
 * request. Callers log ids and never texts, tokens or people's addresses.
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
 * Formats a JSON log line for a person: time, level if it is not `info`, message, fields. Values
 * stay in JSON, so that no text in them can look like a separate line. Only fatal lines show the
 * stack, indented. `pino-pretty` keeps line breaks in messages and writes every error on many
 * lines.
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
  /** The event or the route. */
  call?: string
  /** Never in a line: an address is a person's. */
  address?: string
}

const storage = new AsyncLocalStorage<RequestContext>()

/**
 * Runs `run` and everything it awaits under one request id. The id goes from a socket event or an
 * HTTP request through its job to the provider call, and is in every log line. `address` is the
 * caller's address key, for `currentAddress`.
 */
export function withRequestId<T>(requestId: string, run: () => T, address?: string): T {
  return storage.run(address === undefined ? { requestId } : { requestId, address }, run)
}

export function currentRequestId(): string | undefined {
  return storage.getStore()?.requestId
}

/** Returns the address key of the caller of the current request. */
export function currentAddress(): string | undefined {
  return storage.getStore()?.address
}

/** Says which event or route the current request is, for `currentCall`. */
export function nameCall(call: string): void {
  const context = storage.getStore()
  if (context) context.call = call
}

export function currentCall(): string | undefined {
  return storage.getStore()?.call
}

/** Adds the session to the log lines of the current request. Outside a request it does nothing. */
export function nameSession(sessionId: string): void {
  const context = storage.getStore()
  if (context) context.sessionId = sessionId
}

/** Returns the fields of each log line of the current request. */
function requestFields(): { requestId?: string; sessionId?: string } {
  const { address: _, call: __, ...fields } = { ...storage.getStore() }
  return fields
}
