import type { Random } from '../random.ts'

/** One fault with its target, ready to happen. */
export interface Strike {
  target: string
  /** What no other fault may touch meanwhile. */
  holds: string[]
  holdMs: number
  begin(): Promise<void>
  /** Puts it right, and waits where that takes a while. May say what came of it. */
  end(): Promise<string | undefined>
}

/** One kind of fault. */
export interface Nemesis {
  kind: string
  /** Why it cannot happen here. */
  skipped?: string
  /** Happens only where a profile or the command names it. */
  special?: boolean
  plan(random: Random): Strike
}

/** The end of a fault that is over by itself. */
export async function endsByItself(): Promise<undefined> {
  return undefined
}
