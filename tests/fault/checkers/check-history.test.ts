import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { CHECKS, type CheckReport } from '../history.ts'
import { ANSWER_PLANTS } from './answer-plants.ts'
import { checkHistory } from './check-history.ts'
import { LOG_PLANTS } from './log-plants.ts'
import { ask, given, type Plant } from './plant.ts'
import { runStep, steps, type Step } from './sample-steps.ts'
import { SampleWorld } from './sample-world.ts'

const RUNS = 200
/** Faults of every kind, at least one for each checker. */
const PLANTS = [...LOG_PLANTS, ...ANSWER_PLANTS]

interface Planted {
  plant: Plant
  /** Before which step. */
  at: number
  session: number
}

const NOTHING: Planted = { plant: { check: 'lost', name: 'makes no mistake' }, at: 0, session: 0 }

/** A run of the sample system, with a fault planted in one of its sessions where there is to be one. */
function runSample(script: readonly Step[], planted: Planted = NOTHING): CheckReport {
  const world = new SampleWorld(3)
  const { at, plant } = planted
  const session = given(world.sessions[planted.session])
  for (const one of world.sessions) ask(world, one, [2])
  for (const step of script.slice(0, at)) runStep(world, step)
  plant.during?.(world, session)
  for (const step of script.slice(at)) runStep(world, step)
  world.drain()
  plant.after?.(world, session)
  const reads = world.reads()
  plant.reads?.(reads, session)
  return checkHistory(world.history, reads)
}

function guilty({ counts }: CheckReport): string[] {
  return CHECKS.filter((name) => counts[name] > 0)
}

describe('checkHistory', () => {
  it('finds nothing in a run without faults', () => {
    fc.assert(
      fc.property(steps, (script) => {
        expect(runSample(script).findings).toEqual([])
      }),
      { numRuns: 2 * RUNS },
    )
  })

  it.each(PLANTS.map((plant) => ({ ...plant, plant })))(
    'finds by $check alone a system that $name',
    ({ plant }) => {
      fc.assert(
        fc.property(steps, fc.nat(40), fc.nat(2), (script, at, session) => {
          const report = runSample(script, { plant, at, session })
          expect(guilty(report)).toEqual([plant.check])
        }),
        { numRuns: RUNS },
      )
    },
  )

  it('has a fault planted for every check', () => {
    expect([...new Set(PLANTS.map(({ check }) => check))].sort()).toEqual([...CHECKS].sort())
  })
})
