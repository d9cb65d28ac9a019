import type { Finding } from '../history.ts'
import type { RunIndex } from './run-index.ts'

/**
 * No fault of a run forges anything, so whatever a process refuses was spoilt on its way through the
 * product. Such a message or state is served without its texts, and no other check need notice that.
 */
export function checkPayloads(run: RunIndex): Finding[] {
  return run.refused.map(({ process, source, ids, at }) => {
    const named = Object.entries(ids).map(([name, id]) => `${name} ${id}`)
    const message = `${process} refused a payload of kind ${source} (${named.join(', ')})`
    return { check: 'payloads', message, at }
  })
}
