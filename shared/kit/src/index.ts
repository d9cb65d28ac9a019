export { createLogger, type Logger } from './logger.ts'
export type { Metrics } from './metrics.ts'
export type { ProviderSettings, Settings } from './settings.ts'
