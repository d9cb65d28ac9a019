import type { BareViewer } from '../clients/bare-viewer.ts'
import type { Nemesis } from './nemesis.ts'

/** A client that stops reading for a while, so that what is sent to it piles up. */
export function createClientNemeses(findViewers: () => readonly BareViewer[]): Nemesis[] {
  return [
    {
      kind: 'client-stops-reading',
      plan(random) {
        const viewer = random.pick(findViewers())
        return {
          target: viewer.name,
          holds: [viewer.name],
          holdMs: random.between(2000, 15_000),
          begin: async () => viewer.stopReading(),
          async end() {
            viewer.goOnReading()
            return undefined
          },
        }
      },
    },
  ]
}
