import type { Unit } from './units.ts'

/** Figures of one entrant in one round, by the name of the metric. */
export type Sample = Record<string, number>

/** One way to do the work of a suite. */
export interface Entrant {
  name: string
  /** What it is, in a sentence. */
  what: string
  /** Starts its processes and brings them to where they can be measured. */
  open(): Promise<OpenEntrant>
}

export interface OpenEntrant {
  /** The figures of one slice of the load, as many times as the comparison has slices. */
  measure(): Promise<Sample>
  close(): Promise<void>
}

/** The way to open an entrant that starts and ends its processes each time it is measured. */
export function measuredAlone(measure: () => Promise<Sample>): Entrant['open'] {
  return () => Promise.resolve({ measure, close: () => Promise.resolve() })
}

export interface Metric {
  name: string
  unit: Unit
  /** Ratios to the baseline are told for it. */
  compared?: boolean
}

/** What has to be reached, in words and numbers. */
export interface Target {
  text: string
  metric: string
  entrant: string
  /** `ratio` and `added` are to this entrant, `value` stands for itself. */
  over?: string
  kind: 'ratio' | 'added' | 'value'
  reach: number
}

export interface Comparison {
  name: string
  title: string
  /** How the load is made. */
  load: string
  baseline: string
  /** The same thing as the baseline once more: what its ratio is off 1 by is the resolution. */
  nullEntrant?: string
  entrants: Entrant[]
  /**
   * In so many slices the load of a round is cut, which the entrants take in turn while all of them
   * are open; by default 1, and then an entrant is alone on the machine.
   */
  slices?: number
  metrics: Metric[]
  targets: Target[]
  close(): Promise<void>
}

/** `smoke` measures nothing: it shows within seconds that a suite still works. */
export type Profile = 'smoke' | 'quick' | 'full'

/**
 * Opens what all rounds share, such as a store that is filled once. `env` is added to the settings of
 * the product.
 */
export type OpenComparison = (profile: Profile, env?: Record<string, string>) => Promise<Comparison>
