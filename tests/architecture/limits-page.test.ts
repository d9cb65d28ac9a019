import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from '@jest/globals'
import ts from 'typescript'
import { LIMIT_GROUPS } from '../../scripts/documents/limits/all-limits.ts'
import { ROOT } from '../../scripts/run-command.ts'

const LIMITS = LIMIT_GROUPS.flatMap(({ title, limits }) =>
  limits.map((limit) => ({ ...limit, name: `${title}: ${limit.what}, per ${limit.per}` })),
)

/** Files that jest runs, and suites that such files run on each adapter. */
const RUNS =
  /^(?:tests\/.+\.(?:test|contract)\.ts|(?:shared|services|web)\/.+\/src\/.+\.test\.tsx?)$/u

interface WrittenTest {
  title: string
  /** The test, with its table if it has one, and what it uses of its file. */
  text: string
}

/** All tests of a file that are not left out. */
function testsIn(file: string): WrittenTest[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), {
    languageVersion: ts.ScriptTarget.Latest,
  })
  const declared = new Map<string, string>()
  const found: WrittenTest[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) || ts.isFunctionDeclaration(node)) {
      if (node.name && ts.isIdentifier(node.name)) {
        declared.set(node.name.text, node.getText(source))
      }
    }
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(source)
      if (/^describe\.(?:skip|only)\b/u.test(called)) return
      const [title] = node.arguments
      if (/^it(?:\.each\b[^]*)?$/u.test(called) && title && ts.isStringLiteralLike(title)) {
        found.push({ title: title.text, text: node.getText(source) })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found.map(({ title, text }) => ({ title, text: withUsed(text, declared) }))
}

/** Adds what a text uses of its file, and what that uses. */
function withUsed(text: string, declared: ReadonlyMap<string, string>): string {
  const used = new Set([text])
  for (const one of used) {
    for (const [name] of one.matchAll(/\b[A-Za-z]\w*/gu)) used.add(declared.get(name) ?? '')
  }
  return [...used].join('\n')
}

const UNITS: Record<string, number> = { s: 1000, min: 60_000, KiB: 1024, MiB: 1024 ** 2 }
const WORDS = ['one', 'two', 'three', 'four', 'five']

/** What a test may say for an amount: the setting, or the figure, or one that goes just beyond. */
function waysToSay(amount: string): RegExp[] {
  const settings = [...amount.matchAll(/`([A-Z_]+)`/gu)].flatMap(([, name = '']) => {
    return [name, name.toLowerCase().replace(/_(\w)/gu, (_all, next: string) => next.toUpperCase())]
  })
  const figures = [...amount.matchAll(/\b(\d[\d,]*)(?: (s|min|KiB|MiB)\b)?/gu)].flatMap(
    ([, digits = '', unit = '']) => {
      const figure = Number(digits.replaceAll(',', ''))
      const inUnits = figure * (UNITS[unit] ?? 1)
      return [figure, figure + 1, inUnits, inUnits + 1, WORDS[figure - 1] ?? figure]
    },
  )
  return [...settings, ...figures].map((word) => new RegExp(`(?<![\\w.])${word}(?![\\w])`, 'u'))
}

/** Without what groups digits, and with the factors of a product multiplied. */
function plain(text: string): string {
  return text
    .replace(/(?<=\d)[_,](?=\d)/gu, '')
    .replace(/(\d+) \* 1024(?: \*\* 2)?/gu, (all, factor: string) => {
      return `${all} ${Number(factor) * 1024 ** (all.includes('**') ? 2 : 1)}`
    })
}

describe('the table of limits', () => {
  it('has each limit once', () => {
    expect(new Set(LIMITS.map(({ name }) => name)).size).toBe(LIMITS.length)
  })

  it.each(LIMITS)('names a test that runs for $name', ({ test: [file, title] }) => {
    expect(file).toMatch(RUNS)
    expect(testsIn(file).filter((one) => one.title === title)).toHaveLength(1)
  })

  it.each(LIMITS)('names a test that goes beyond the amount for $name', (limit) => {
    const [file, title, says] = limit.test
    const text = testsIn(file).find((one) => one.title === title)?.text ?? ''
    const ways = waysToSay(limit.amount).filter((way) => way.test(plain(text)))
    // What a test says instead is not needed where it says the amount.
    if (says === undefined) expect(ways).not.toEqual([])
    else expect([ways, text]).toEqual([[], expect.stringContaining(says)])
  })
})
