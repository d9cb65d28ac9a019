export { toBudgetLimits } from './budgets/budget-settings.ts'
export { createBudgets, type Budgets, type BudgetParts } from './budgets/budgets.ts'
export { createHealth, type Health, type HealthCheck, type HealthResult } from './health/health.ts'
export { startManagementServer } from './health/management-server.ts'
export { isOwnedBy, toMessageId, toOwnedId } from './ids.ts'
export {
  createLogger,
  currentAddress,
  currentRequestId,
  nameSession,
  currentCall,
  nameCall,
  withRequestId,
  type Logger,
} from './logging/logger.ts'
export type { OperatorEntry } from './settings/operator-settings.ts'
export type { DisconnectReason, SecurityEventKind } from './metrics/gateway-metrics.ts'
export { createScrubber } from './logging/redaction.ts'
export { createMetrics, type Metrics } from './metrics/metrics.ts'
export { createBackendHooks } from './process/backend-hooks.ts'
export { createClock } from './process/clock.ts'
export { loadEnv } from './process/load-env.ts'
export { prepareDataDir } from './process/prepare-data-dir.ts'
export { StartError } from './process/process-edge.ts'
export { runCommand, type CommandContext } from './process/run-command.ts'
export {
  openParts,
  runProcess,
  type ProcessContext,
  type RunningProcess,
} from './process/run-process.ts'
export { describeSettings, type SettingDescription } from './settings/describe-settings.ts'
export type { ProviderSettings } from './settings/provider-settings.ts'
export { readSettings, SettingsError } from './settings/read-settings.ts'
export { duration } from './settings/setting-types.ts'
export { PROCESS_KINDS, type ProcessKind } from './settings/setting.ts'
export { printConfig } from './settings/settings-in-force.ts'
export { toBackendOptions, type Settings } from './settings/settings.ts'
