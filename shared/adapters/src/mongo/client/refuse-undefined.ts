import type { Collection, Document } from 'mongodb'

/** The operations that there are, and how many of their arguments are filters, changes or documents. */
const CHECKED = {
  find: 1,
  findOne: 1,
  findOneAndUpdate: 2,
  updateOne: 2,
  insertOne: 1,
  bulkWrite: 1,
} as const

export type GuardedCollection<T extends Document> = Pick<Collection<T>, keyof typeof CHECKED>

type Operation = (...args: unknown[]) => unknown

/**
 * The same collection, which throws a `TypeError` before it sends a filter, a change or a document with a value that
 * is undefined or comes of one. The driver would leave a condition out, and a fence that is left out lets
 * everybody through; it would write an invalid date as one of 1970.
 */
export function refuseUndefined<T extends Document>(
  collection: Collection<T>,
): GuardedCollection<T> {
  const operations = Object.entries(CHECKED).map(([name, count]) => {
    const operation = Reflect.get(collection, name) as Operation
    const checked: Operation = (...args) => {
      checkDefined(args.slice(0, count), name)
      return operation.apply(collection, args)
    }
    return [name, checked]
  })
  return Object.fromEntries(operations) as GuardedCollection<T>
}

function checkDefined(value: unknown, path: string): void {
  if (value === undefined || Number.isNaN(value)) throw new TypeError(`${path} is ${String(value)}`)
  if (value instanceof Date) checkDefined(value.getTime(), path)
  else if (typeof value === 'object' && value !== null) {
    for (const [key, held] of Object.entries(value)) checkDefined(held, `${path}.${key}`)
  }
}
