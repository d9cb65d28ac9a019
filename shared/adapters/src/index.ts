export { createKeyRing, type Cipher, type EncryptionKey } from './crypto/key-ring.ts'
export { openSqliteStore } from './embedded/sqlite-chat-store.ts'
export type { AdapterHooks } from './hooks.ts'
