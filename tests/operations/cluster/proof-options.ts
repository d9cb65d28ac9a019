/** In the order in which they run: each finds the release as the one before has left it. */
export const PARTS = [
  'install',
  'policies',
  'autoscaling',
  'upgrade',
  'eviction',
  'removal',
] as const
export type Part = (typeof PARTS)[number]

/** Handed by run.ts, which stays outside, to proof.ts in the cluster's network. */
export interface ProofOptions {
  only: Part[]
  isReport: boolean
  /** Gets the history of the load. */
  folder: string
}

export function isPart(name: string): name is Part {
  return PARTS.some((part) => part === name)
}
