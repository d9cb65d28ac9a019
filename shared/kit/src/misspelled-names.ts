import { PROVIDER_RULES, SETTING_RULES } from './setting-rules.ts'
import type { Env } from './setting-values.ts'

export interface MisspelledName {
  name: string
  /** Undefined for a name that can only be ours and is near none of them. */
  meant: string | undefined
}

const MAX_EDITS = 2
const FAMILY = 'LLM_PROVIDER_'

/**
 * Names in the environment that nothing reads and that look like ours: a slip away from one that is
 * read, or of the providers' family. Other programs' names are left alone.
 */
export function findMisspelledNames(env: Env): MisspelledName[] {
  return Object.keys(env).flatMap((name) => {
    const known = knownNames(name)
    if (known.includes(name)) return []
    const meant = known.find((candidate) => isNear(name, candidate))
    return meant !== undefined || name.startsWith(FAMILY) ? [{ name, meant }] : []
  })
}

/** Of a provider's name, the fields of the same number. */
function knownNames(name: string): string[] {
  const prefix = /^LLM_PROVIDER_?[1-9]\d?_/.exec(name)?.[0].replace(/_?(\d+)_$/, '_$1_')
  if (prefix !== undefined) return Object.keys(PROVIDER_RULES).map((field) => `${prefix}${field}`)
  return Object.keys(SETTING_RULES)
}

function isNear(name: string, known: string): boolean {
  // Short names are near many words; every tenth character may be wrong, or one.
  const limit = Math.min(MAX_EDITS, Math.ceil(known.length / 5))
  if (Math.abs(name.length - known.length) > limit || !name.startsWith(known.charAt(0)))
    return false
  return editDistance(name, known) <= limit
}

/** Letters to insert, delete, replace or swap with their neighbour. */
function editDistance(a: string, b: string): number {
  let twoBack: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row[j] = Math.min(
        at(previous, j) + 1,
        at(row, j - 1) + 1,
        at(previous, j - 1) + (same ? 0 : 1),
        swapped ? at(twoBack, j - 2) + 1 : Infinity,
      )
    }
    twoBack = previous
    previous = row
  }
  return at(previous, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity
}
