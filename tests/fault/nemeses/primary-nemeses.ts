import { askAdmin, waitForPrimary } from '../../../scripts/servers/replica-set.ts'
import type { ClusterUnderTest } from '../cluster-under-test.ts'
import type { Nemesis, Strike } from './nemesis.ts'

const DOWN_S = { low: 5, high: 12 }

/** What can become of the primary of a real MongoDB; a stand-in has none. */
export function createPrimaryNemeses({ mongo }: Pick<ClusterUnderTest, 'mongo'>): Nemesis[] {
  const isProcess = mongo.isReal && mongo.pid !== undefined
  const why = `no real mongod here: the store is ${mongo.kind}`
  const on = (holdMs: number, begin: () => Promise<unknown>, end: () => Promise<void>): Strike => ({
    target: 'store',
    holds: ['store'],
    holdMs,
    async begin() {
      await begin()
    },
    async end() {
      await end()
      return undefined
    },
  })
  return [
    {
      kind: 'step-down',
      ...(mongo.isReal ? {} : { skipped: why }),
      plan(random) {
        const seconds = Math.round(random.between(DOWN_S.low, DOWN_S.high))
        // A set of one has nobody to take over: by force, and it is elected again when that time is over.
        const command = { replSetStepDown: seconds, secondaryCatchUpPeriodSecs: 0, force: true }
        const stepDown = () => askAdmin(mongo, command)
        return on(seconds * 1000, stepDown, () => waitForPrimary(mongo))
      },
    },
    {
      kind: 'kill-primary',
      ...(isProcess ? {} : { skipped: why }),
      plan: (random) =>
        on(
          random.between(0, DOWN_S.high * 1000),
          async () => mongo.kill('SIGKILL'),
          () => mongo.restart(),
        ),
    },
  ]
}
