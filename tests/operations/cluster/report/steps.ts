import type { Sample } from './timeline.ts'

/** Each change of the number of pods that are wanted: when, and by how many. */
export function findSteps(
  samples: readonly Pick<Sample, 'atS' | 'wanted'>[],
): { atS: number; by: number }[] {
  return samples.slice(1).flatMap(({ atS, wanted }, index) => {
    const by = wanted - (samples[index]?.wanted ?? wanted)
    return by === 0 ? [] : [{ atS, by }]
  })
}
