import type { AdapterHooks } from '@chatbox/core'

/**
 * Answers a function that closes what was opened last first, once; a part that fails to close is
 * reported and keeps no other open.
 */
export function closeInReverse(
  hooks: Pick<AdapterHooks, 'onError'>,
  opened: { close(): Promise<void> }[],
): () => Promise<void> {
  async function close(): Promise<void> {
    for (const part of opened.toReversed()) {
      await part.close().catch((error: unknown) => hooks.onError('close', error))
    }
  }
  let closed: Promise<void> | undefined
  return () => (closed ??= close())
}
