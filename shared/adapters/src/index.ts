export type {
  AlertPorts,
  Backend,
  BackendOptions,
  GatewayStorePorts,
  Store,
  StorePorts,
} from './backend.ts'
export { createKeyRing, type Cipher, type EncryptionKey } from './sealed/key-ring.ts'
export { openSqliteStore } from './sqlite/open-sqlite-store.ts'
export { migrateStore } from './migrate-store.ts'
export { openAuditLog } from './open-audit-log.ts'
export { openBackend } from './open-backend.ts'
