import type { Unit } from './units.ts'

/** The figures of one entrant in one round, by metric. */
export type Sample = Record<string, number>

/** One way to do the work of a suite. */
export interface Entrant {
  name: string
  /** A sentence that says what it is. */
  what: string
  /** Starts its processes and prepares them for measurement. */
  open(): Promise<OpenEntrant>
}

export interface OpenEntrant {
  /** Returns the figures of one slice of the load. Called once per slice. */
  measure(): Promise<Sample>
  close(): Promise<void>
}

/** Returns an `open` for an entrant that starts and stops its processes for each measurement. */
export function measuredAlone(measure: () => Promise<Sample>): Entrant['open'] {
  return () => Promise.resolve({ measure, close: () => Promise.resolve() })
}

export interface Metric {
  name: string
  unit: Unit
  /** Whether the report shows ratios to the baseline. */
  compared?: boolean
}

/** A target, in words and numbers. */
export interface Target {
  text: string
  metric: string
  entrant: string
  /** `ratio` and `added` are relative to this entrant; `value` is absolute. */
  over?: string
  kind: 'ratio' | 'added' | 'value'
  reach: number
}

export interface Comparison {
  name: string
  title: string
  /** A description of the load. */
  load: string
  baseline: string
  /** The baseline a second time. The distance of its ratio from 1 is the resolution. */
  nullEntrant?: string
  entrants: Entrant[]
  /**
   * The number of slices of a round's load. The entrants take turns with the slices while all of
   * them are open. With 1, the default, each entrant is alone on the machine.
   */
  slices?: number
  metrics: Metric[]
  targets: Target[]
  close(): Promise<void>
}

/** `smoke` measures nothing: it only shows within seconds that a suite works. */
export type Profile = 'smoke' | 'quick' | 'full'

/**
 * Opens what all rounds share, for example a store that is filled once. `env` is added to the
 * product's settings.
 */
export type OpenComparison = (profile: Profile, env?: Record<string, string>) => Promise<Comparison>
