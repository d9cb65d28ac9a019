export type { Backend, BackendOptions } from './backend.ts'
export type { EncryptionKey } from './crypto/key-ring.ts'
export type { AdapterHooks } from './hooks.ts'
export { openBackend } from './open-backend.ts'
