export { createBackendHooks } from './backend-hooks.ts'
export { toBackendOptions } from './backend-options.ts'
export { createClock } from './clock.ts'
export { describeSettings, type SettingDescription } from './describe-settings.ts'
export { createHealth, type Health, type HealthCheck, type HealthResult } from './health.ts'
export { createLogger, type Logger } from './logger.ts'
export { startManagementServer } from './management-server.ts'
export { StartError } from './start-fault.ts'
export { toMessageId } from './message-id.ts'
export type { DisconnectReason } from './gateway-metrics.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { openParts } from './open-parts.ts'
export { isOwnedBy, toOwnedId } from './owned-id.ts'
export { printConfig } from './print-config.ts'
export { readSettings, SettingsError } from './read-settings.ts'
export { currentRequestId, nameSession, withRequestId } from './request-context.ts'
export { runCommand, type CommandContext } from './run-command.ts'
export { runProcess, type ProcessContext, type RunningProcess } from './run-process.ts'
export { duration } from './setting-types.ts'
export {
  PROCESS_KINDS,
  type ProcessKind,
  type ProviderSettings,
  type Settings,
} from './settings.ts'
