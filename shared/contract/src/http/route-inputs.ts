import { z } from 'zod'
import { LIMITS } from '../fields.ts'

/** Query values are text. Otherwise the rules of a payload are those of the socket events. */
export const digits = z
  .string()
  .regex(/^\d{1,16}$/, 'is not a number')
  .transform(Number)
export const limitQuery = digits.pipe(z.int().min(1).max(LIMITS.historyPage)).optional()
const none = z.strictObject({})
/** A route without input and without errors of its own. */
export const plain = { params: none, query: none, body: none, errors: [] } as const
