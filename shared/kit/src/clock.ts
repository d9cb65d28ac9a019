import { randomFillSync } from 'node:crypto'

/** The real time and randomness; has the shape of core's `Clock`, which kit may not import. */
export interface SystemClock {
  now(): Date
  /** 128 random bits as 22 characters of base64url. */
  newId(): string
  /** In [0, 1). */
  random(): number
}

const ID_BYTES = 16
const ids = Buffer.alloc(ID_BYTES * 256)
let drawn = ids.length

/** Drawn for many ids at once: a call to the generator for each costs ten times as much. */
function drawId(): string {
  if (drawn === ids.length) {
    randomFillSync(ids)
    drawn = 0
  }
  return ids.toString('base64url', drawn, (drawn += ID_BYTES))
}

export function createClock(): SystemClock {
  return {
    now: () => new Date(),
    newId: drawId,
    random: () => Math.random(),
  }
}
