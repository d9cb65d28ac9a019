import type { Db } from 'mongodb'
import { findMissingIndex } from './find-missing-index.ts'
import { SchemaRecord } from './schema-record.ts'
import { SCHEMA_STEPS } from './steps.ts'

/** Readiness is asked for all the time, and an index is hardly ever dropped. */
const LOOK_EVERY_MS = 10_000

/**
 * Rejects, with the name, where an index is missing: without the one of the log two entries could have
 * one place in it. Looks anew where 10 s ago all were there. What a later version has taken away is not missed.
 */
export function createIndexCheck(db: Db): () => Promise<void> {
  let wholeAt = -Infinity
  return async () => {
    if (performance.now() - wholeAt < LOOK_EVERY_MS) return
    const missing = await findMissingIndex(db)
    if (missing !== undefined && !(await isLaterVersion(db))) {
      throw new Error(`${missing}: run migrate`)
    }
    wholeAt = performance.now()
  }
}

async function isLaterVersion(db: Db): Promise<boolean> {
  return (await new SchemaRecord(db).read()).version > SCHEMA_STEPS.length
}
