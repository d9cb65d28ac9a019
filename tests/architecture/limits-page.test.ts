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

/** The titles of all tests of a file that are not left out. */
function titlesIn(file: string): string[] {
  const source = ts.createSourceFile(file, readFileSync(join(ROOT, file), 'utf8'), {
    languageVersion: ts.ScriptTarget.Latest,
  })
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node)) {
      const called = node.expression.getText(source)
      if (/^describe\.(?:skip|only)\b/u.test(called)) return
      const [title] = node.arguments
      if (/^it(?:\.each\b[^]*)?$/u.test(called) && title && ts.isStringLiteralLike(title)) {
        titles.push(title.text)
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return titles
}

describe('the table of limits', () => {
  it('has each limit once', () => {
    expect(new Set(LIMITS.map(({ name }) => name)).size).toBe(LIMITS.length)
  })

  it.each(LIMITS)('names a test that runs for $name', ({ test: [file, title] }) => {
    expect(file).toMatch(RUNS)
    expect(titlesIn(file).filter((one) => one === title)).toEqual([title])
  })
})
