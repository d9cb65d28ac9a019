import { randomBytes } from 'node:crypto'

/** The real time and randomness; has the shape of core's `Clock`, which kit may not import. */
export interface SystemClock {
  now(): Date
  /** 128 random bits as 22 characters of base64url. */
  newId(): string
  /** In [0, 1). */
  random(): number
}

export function createClock(): SystemClock {
  return {
    now: () => new Date(),
    newId: () => randomBytes(16).toString('base64url'),
    random: () => Math.random(),
  }
}
