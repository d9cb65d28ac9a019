import { pino, type Logger } from 'pino'
import type { Settings } from './settings.ts'

export type { Logger }

/** JSON lines on standard output. Callers log ids, never texts, tokens or addresses of people. */
export function createLogger(service: string, level: Settings['logLevel']): Logger {
  return pino({ level, base: { service } })
}
