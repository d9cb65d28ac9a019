import type { AdapterHooks } from '@chatbox/core'

const QUIET_MS = 10_000

/**
 * Reports a component's errors, the same one at most every 10 s, because during an outage every try
 * to connect fails in the same way.
 */
export function createReporter(
  hooks: Pick<AdapterHooks, 'onError'>,
  component: string,
): (error: unknown) => void {
  let last = { text: '', at: 0 }
  return function report(error) {
    const text = error instanceof Error ? error.message : String(error)
    const at = Date.now()
    if (text === last.text && at - last.at < QUIET_MS) return
    last = { text, at }
    hooks.onError(component, error)
  }
}
