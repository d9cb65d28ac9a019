// The product's worker with parts left out, to measure the cost of each.
import type { Backend } from '@chatbox/adapters'
import { runProcess } from '@chatbox/kit'
import { composeWorker } from '../../../../services/worker/src/compose.ts'
import { override } from '../../../../tests/environment/override.ts'
import { readWithout } from './without.ts'

const without = readWithout()
const timing = without.has('coalescing') ? { deltaIntervalMs: 0 } : {}
await runProcess('worker', (context) => composeWorker(context, { wrap: withoutDraft, timing }))

/** Only publishes deltas: nobody can join late, and late writers are not fenced. */
function withoutDraft(backend: Backend): Backend {
  if (!without.has('draft')) return backend
  const { bus } = backend
  return {
    ...backend,
    bus: override(bus, {
      async publishDelta(delta) {
        await bus.publish(delta.sessionId, { event: 'reply:delta', payload: delta })
        return 'published'
      },
    }),
  }
}
