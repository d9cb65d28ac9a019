import { fileURLToPath } from 'node:url'
import type { Safety } from '../history.ts'

export interface UnsafeEntry {
  /** The file to start instead of the service's own. */
  entry: string
  args: string[]
}

/** How a process of the product is started without one safety. */
export function entryOf(service: 'gateway' | 'worker', without: Safety): UnsafeEntry {
  return {
    entry: fileURLToPath(new URL(`${service}-main.ts`, import.meta.url)),
    args: [`--without=${without}`],
  }
}
