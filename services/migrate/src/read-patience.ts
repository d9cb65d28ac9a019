import { duration, StartError } from '@chatbox/kit'
import { parseArgs } from 'node:util'

const DEFAULT = '60s'
const patience = duration('1s', '1d')

/**
 * Reads from the arguments (`--within 60s`) how many milliseconds a migration may take without
 * progress. Throws a `StartError` for anything else.
 */
export function readPatience(args: readonly string[]): number {
  const parsed = patience.schema.safeParse(readWithin(args))
  if (parsed.success) return parsed.data
  throw new StartError(`--within ${parsed.error.issues[0]?.message}`)
}

function readWithin(args: readonly string[]): string {
  try {
    return parseArgs({ args: [...args], options: { within: { type: 'string', default: DEFAULT } } })
      .values.within
  } catch (cause) {
    throw new StartError(
      `migrate takes nothing but --within and a duration, for example --within ${DEFAULT}`,
      { cause },
    )
  }
}
