/**
 * No waiting helps: an address that is none, or a database that is not for this program. The message
 * is one sentence for whoever starts it, without the address, which may hold a password.
 */
export class UnusableStoreError extends Error {
  // Processes know it by this name.
  override readonly name = 'UnusableStoreError'
}
