import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { applyMutant, readMutants } from './mutants.ts'

const MUTANTS = readMutants()
const architecture = readFileSync('docs/architecture.md', 'utf8')
const laws = [...architecture.matchAll(/^(\d+)\. \*\*/gmu)].map(([, number = '']) => number)
const [table = ''] = /^\| If it dies here[^]*?\n\n/mu.exec(architecture) ?? []
const [, ...deaths] = [...table.matchAll(/^\| ([^|-][^|]*?) +\|/gmu)].map(([, row = '']) => row)

describe('the mutants', () => {
  it('are one for each law and for each way to die, and 25 in all', () => {
    expect(laws.length).toBeGreaterThan(10)
    expect(deaths.length).toBeGreaterThan(4)
    const held = new Set(MUTANTS.map(({ law }) => law))
    expect([...laws, ...deaths].filter((law) => !held.has(law))).toEqual([])
    expect([...held].filter((law) => ![...laws, ...deaths].includes(law))).toEqual([])
    expect(MUTANTS.length).toBeGreaterThanOrEqual(25)
  })

  it.each(MUTANTS)(
    '$name is a change of the code of today, and its suite is there',
    async (mutant) => {
      await applyMutant(mutant, '.', '--check')
      expect(existsSync(mutant.suite)).toBe(true)
    },
  )
})
