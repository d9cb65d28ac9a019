import type { Instruments } from './instruments.ts'
import { VERSION } from '../process/version.ts'

/** What every process says about itself. */
export interface ProcessMetrics {
  processStarted(service: string): void
  draining(): void
}

export function createProcessMetrics({ gauge }: Instruments): ProcessMetrics {
  const build = gauge(
    'chatbox_build_info',
    'Always 1: the service that this process is, and its version.',
    'service',
    'version',
  )
  const draining = gauge(
    'chatbox_draining',
    'Whether this process has been told to end and takes nothing new: 1 or 0.',
  )
  return {
    processStarted(service: string) {
      build.set({ service, version: VERSION }, 1)
      draining.set({}, 0)
    },
    draining: () => draining.set({}, 1),
  }
}
