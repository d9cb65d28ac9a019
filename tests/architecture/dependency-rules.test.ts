import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { DEPENDENCY_SEEDS } from './dependency-seeds.ts'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

interface Cruise {
  summary: {
    violations: { from: string; rule: { name: string } }[]
    ruleSetUsed: { forbidden: { name: string }[] }
  }
}

const CRUISE = 'dependency-cruiser/bin/dependency-cruiser.mjs'
const ARGUMENTS = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json']
const FOLDERS = ['shared', 'services', 'web', 'bench', 'tests', 'scripts']

let copy: RepositoryCopy
let seeded: Cruise

beforeAll(async () => {
  copy = await copyRepository()
  // Its rule exists before the package does.
  await copy.addPackage('nodemailer')
  for (const { path, text, besides } of DEPENDENCY_SEEDS) {
    await copy.write({ [path]: text, ...besides })
  }
  seeded = JSON.parse(await copy.run(CRUISE, [...ARGUMENTS, ...FOLDERS])) as Cruise
}, 300_000)

afterAll(() => copy.remove())

describe('rules about dependencies', () => {
  it('are green for all that is no fault', () => {
    const seeds = DEPENDENCY_SEEDS.flatMap(({ path, besides }) => [
      path,
      ...Object.keys(besides ?? {}),
    ])
    const others = seeded.summary.violations.filter(({ from }) => !seeds.includes(from))
    expect(others).toEqual([])
  })

  it('have a seeded fault each', () => {
    const rules = seeded.summary.ruleSetUsed.forbidden.map((rule) => rule.name)
    const seeds = DEPENDENCY_SEEDS.map((seed) => seed.rule)
    expect([...new Set(seeds)].toSorted()).toEqual(rules.toSorted())
  })

  it.each(DEPENDENCY_SEEDS)('$rule goes red for $path', ({ rule, path }) => {
    const broken = seeded.summary.violations.filter((violation) => violation.from === path)
    expect(broken.map((violation) => violation.rule.name)).toContain(rule)
  })
})
