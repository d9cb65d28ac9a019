import type { StatedError } from '../transport/stated-error.ts'

/**
 * What one event of a provider's stream says. A protocol only translates its wire into these words;
 * `ReplyMeaning` alone decides what follows from them.
 */
export type Meaning =
  /** A piece of the reply, possibly with reasoning in it. */
  | { type: 'text'; text: string }
  /** All text so far is taken back; this is the text instead. */
  | { type: 'replacement'; text: string }
  /** The provider works on the reply and shows nothing. `text` is what it wrote, where it says so. */
  | { type: 'thinking'; text?: string }
  /** Counts as the provider sent them. Anything but a plausible count is ignored. */
  | { type: 'usage'; prompt?: unknown; completion?: unknown }
  | { type: 'conversation'; ref: string }
  /** The provider's word for why the reply ended. */
  | { type: 'ending'; reason: unknown }
  /** Nothing follows. Alone it does not say that the reply is whole. */
  | { type: 'done' }
  | { type: 'error'; error: StatedError }
  /** An event of no known kind. */
  | { type: 'unknown' }

/** Translates the events of one reply. */
export interface MeaningReader {
  /**
   * Translates one event, which states no error. `name` is the name of the event on the wire, or
   * empty. Throws `LlmError` if the part that holds the reply's text is malformed. Every other
   * field may be missing or odd.
   */
  read(json: object, name: string): Meaning[]
  /** Translates a whole answer that came without a stream, if it differs from an event. */
  readWhole?(json: object): Meaning[]
}

/** The largest number of tokens that a provider is believed to have counted for one reply. */
const MAX_COUNT = 1_000_000_000

/** Returns a provider's count, or undefined if it cannot be one. */
export function toCount(value: unknown): number | undefined {
  const isCount = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_COUNT
  return isCount ? Number(value) : undefined
}
