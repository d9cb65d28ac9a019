import { describe, expect, it } from '@jest/globals'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeUnless } from '../../support/describe-unless.ts'
import type { Refused } from './support/refused-row.ts'
import { REMEDIES } from './support/refused-remedies.ts'
import { REFUSED } from './support/refused-values.ts'
import { BUNDLED, CI_FILES, refusalOf, template, type Values } from './support/render.ts'
import { CHART, NO_TOOLS } from './support/tools.ts'

const said = new Map<Refused, string | undefined>()

/** Asked once of each row: more than one test looks at it. */
function sentenceOf(row: Refused): string | undefined {
  if (!said.has(row)) said.set(row, refusalOf(row.file, row.set))
  return said.get(row)
}

/** Every sentence of `fail` in the templates, up to its first variable. */
function writtenSentences(): string[] {
  const folder = join(CHART, 'templates')
  const files = readdirSync(folder).filter((name) => name.endsWith('.tpl'))
  return files.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    return [...text.matchAll(/\bfail (?:\(printf )?"([^"]+)"/g)].map(
      ([, sentence = '']) => sentence,
    )
  })
}

/** True where a sentence is the written one with something filled in. */
function isFilledIn(written: string, sentence: string): boolean {
  const parts = written.replaceAll('%%', '%').split(/%[sd]/)
  let at = 0
  for (const [index, part] of parts.entries()) {
    const found = sentence.indexOf(part, at)
    if (found < 0 || (index === 0 && found > 0)) return false
    at = found + part.length
  }
  return at === sentence.length || /%[sd]$/.test(written)
}

/** As Helm lays values over others: objects are merged, everything else is replaced. */
function layOver(under: unknown, over: unknown): unknown {
  if (!isValues(under) || !isValues(over)) return over
  const merged: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) merged[key] = layOver(under[key], value)
  return merged
}

function isValues(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const REMEDIED = Object.entries(REMEDIES).flatMap(([what, remedies]) =>
  remedies.map((remedy) => ({ what, remedy, row: REFUSED.find((row) => row.what === what) })),
)

describeUnless(NO_TOOLS)('helm template takes what its sentence advises', () => {
  it.each(REMEDIED)('against $what: $remedy', ({ row, remedy }) => {
    const mended = layOver(row?.set, remedy)
    expect(isValues(mended) && refusalOf(row?.file ?? '', mended)).toBeUndefined()
  })
})

describeUnless(NO_TOOLS)('helm template refuses', () => {
  it('none of the files that the rows below change', () => {
    expect(CI_FILES).toEqual(expect.arrayContaining(REFUSED.map(({ file }) => file)))
    for (const file of CI_FILES) expect(template(file)).toMatchObject({ status: 0, stderr: '' })
  })

  it.each(REFUSED)('$what', (row) => {
    expect(sentenceOf(row)?.slice(0, row.says.length)).toBe(row.says)
  })

  it('no value with a sentence that no row here provokes', () => {
    const sentences = REFUSED.map((row) => sentenceOf(row) ?? '')
    const unseen = writtenSentences().filter((written) => {
      return !sentences.some((each) => isFilledIn(written, each))
    })
    expect(unseen).toEqual([])
  })

  it('never with the secret that is wrong', () => {
    const secret = 'changeme-5f0c9b7e3a1d4862'
    const { stderr } = template(BUNDLED, { set: { secrets: { values: { jwtSecret: secret } } } })
    expect(stderr).toContain('secrets.values.jwtSecret')
    expect(stderr).not.toContain(secret)
  })
})

describe('a written sentence', () => {
  it('is known by what stands around what was filled in', () => {
    expect(isFilledIn('%s is above 80 %% of %d', 'a.b is above 80 % of 4')).toBe(true)
    expect(isFilledIn('%s is above 80 %% of %d in all', 'a is above 80 % of 4 in all')).toBe(true)
    expect(isFilledIn('%s is empty', 'a is empty: why')).toBe(false)
    expect(isFilledIn('the %s of %s', 'the name of a')).toBe(true)
  })
})
