import type { AdapterHooks } from '@chatbox/core'

/**
 * Returns a function that closes the parts once, in reverse order of opening. If one fails, reports
 * it and closes the others.
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
