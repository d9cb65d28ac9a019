import { describe } from '@jest/globals'

/** As jest's own `describe`. */
export type Describe = (name: string, body: () => void) => void

/**
 * `describe` where `reason` is undefined. Else a suite is skipped and its title carries the reason,
 * which the end of a run lists; with `CI` set, where everything has to be there, it is an error.
 */
export function describeUnless(reason: string | undefined): Describe {
  if (reason === undefined) return describe
  if (process.env.CI) throw new Error(reason)
  return (name, body) => {
    describe.skip(`${name} (${reason})`, body)
  }
}
