import type { Figure } from './figures.ts'

export interface SuiteOptions {
  /** Things at the same time. */
  streams: number
  /** Times each, not counting one to warm up. */
  rounds: number
}

export type Suite = (options: SuiteOptions) => Promise<Figure[]>
