import { randomFillSync } from 'node:crypto'
import type { Clock } from '@chatbox/core'

const ID_BYTES = 16
const ids = Buffer.alloc(ID_BYTES * 256)
let drawn = ids.length

/**
 * Draws the bits of many ids at once, because one call to the generator per id costs ten times as
 * much.
 */
function drawId(): string {
  if (drawn === ids.length) {
    randomFillSync(ids)
    drawn = 0
  }
  return ids.toString('base64url', drawn, (drawn += ID_BYTES))
}

/** The real time and randomness. */
export function createClock(): Clock {
  return {
    now: () => new Date(),
    newId: drawId,
    random: () => Math.random(),
  }
}
