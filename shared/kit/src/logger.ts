import { pino, type Logger } from 'pino'
import { requestFields } from './request-context.ts'
import type { Settings } from './settings.ts'

export type { Logger }

/** JSON lines on standard output. Callers log ids, never texts, tokens or addresses of people. */
export function createLogger(service: string, level: Settings['logLevel']): Logger {
  return pino({ level, base: { service }, mixin: requestFields })
}
