import { describe, expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { leavesOf, toOthers, valuesAt, type Leaf } from './support/leaves.ts'
import { OTHER_VALUES, REFUSES, TOGETHER_WITH } from './support/other-values.ts'
import {
  BUNDLED,
  EVERYTHING,
  CI_FILES,
  readValues,
  refusalOf,
  template,
  type Values,
} from './support/render.ts'
import { NO_TOOLS } from './support/tools.ts'

const LEAVES = leavesOf(readValues()).map((leaf) => ({ name: leaf.path.join('.'), ...leaf }))

/** Those first in which most keys mean something. */
const FILES = [...new Set([EVERYTHING, BUNDLED, ...CI_FILES])]

const plain = new Map<string, string>()

/** What a file gives without any change. */
function plainOutput(file: string): string {
  const known = plain.get(file) ?? template(file).stdout
  plain.set(file, known)
  return known
}

/** The first file of `ci/` whose objects are others when this key has another value. */
function findEffect({ path, value }: Leaf): string | undefined {
  const name = path.join('.')
  const own = TOGETHER_WITH[name] ?? {}
  const others = name in OTHER_VALUES ? [OTHER_VALUES[name]] : toOthers(value)
  return FILES.find((file) =>
    others.some((other) => {
      const { status, stdout } = template(file, { set: mergeTwo(own, valuesAt(path, other)) })
      return status === 0 && stdout !== plainOutput(file)
    }),
  )
}

function mergeTwo(first: Values, second: Values): Values {
  return Object.fromEntries(
    [...new Set([...Object.keys(first), ...Object.keys(second)])].map((key) => {
      const [a, b] = [first[key], second[key]]
      // Both are objects wherever a key is in both: they are values of one tree.
      return [key, a && b ? mergeTwo(a as Values, b as Values) : (a ?? b)]
    }),
  )
}

describeUnless(NO_TOOLS)('values.yaml', () => {
  it.each(LEAVES.filter(({ name }) => !(name in REFUSES)))('uses $name', (leaf) => {
    expect(findEffect(leaf)).toBeDefined()
  })

  it.each(Object.entries(REFUSES))('uses %s to refuse', (name, sentence) => {
    expect(refusalOf(BUNDLED, { [name]: true })?.slice(0, sentence.length)).toBe(sentence)
  })
})

describe('other values', () => {
  it('are of keys that exist', () => {
    const names = LEAVES.map(({ name }) => name)
    const given = [
      ...Object.keys(OTHER_VALUES),
      ...Object.keys(TOGETHER_WITH),
      ...Object.keys(REFUSES),
    ]
    expect(given.filter((name) => !names.includes(name))).toEqual([])
  })
})
