import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { LINT_SEEDS } from './lint-seeds.ts'
import { copyRepository, type RepositoryCopy } from './repository-copy.ts'

interface LintedFile {
  filePath: string
  messages: { ruleId: string | null; message: string }[]
}

interface LintConfig {
  default: { name?: string; rules?: Record<string, unknown> }[]
}

const FOLDER = 'shared/core/src'
const toName = (rule: string, form: string): string =>
  `seeded-${rule.replaceAll(/\W+/g, '-')}-${form}.ts`

let copy: RepositoryCopy
let ownRules: Record<string, unknown>
let linted: LintedFile[]

function rulesBrokenBy(file: string): (string | null)[] {
  const result = linted.find(({ filePath }) => filePath.endsWith(`/${FOLDER}/${file}`))
  return result?.messages.map(({ ruleId, message }) => ruleId ?? message) ?? ['was not linted']
}

beforeAll(async () => {
  copy = await copyRepository()
  for (const { rule, bad, good } of LINT_SEEDS) {
    await copy.write({
      [`${FOLDER}/${toName(rule, 'bad')}`]: `${bad}\n`,
      [`${FOLDER}/${toName(rule, 'good')}`]: `${good}\n`,
    })
  }
  const config = (await import(
    new URL('../../eslint.config.js', import.meta.url).href
  )) as LintConfig
  ownRules = config.default.find(({ name }) => name === 'chatbox/rules')?.rules ?? {}
  const files = LINT_SEEDS.flatMap(({ rule }) =>
    ['bad', 'good'].map((form) => `${FOLDER}/${toName(rule, form)}`),
  )
  linted = JSON.parse(
    await copy.run('eslint/bin/eslint.js', ['--format=json', ...files]),
  ) as LintedFile[]
}, 300_000)

afterAll(() => copy.remove())

describe('lint rules', () => {
  it('have a seeded fault each', () => {
    const on = Object.entries(ownRules).filter(([, setting]) => setting !== 'off')
    expect(LINT_SEEDS.map(({ rule }) => rule).toSorted()).toEqual(
      on.map(([name]) => name).toSorted(),
    )
  })

  it.each(LINT_SEEDS)('$rule goes red for a fault and stays green without', ({ rule }) => {
    expect(rulesBrokenBy(toName(rule, 'bad'))).toContain(rule)
    expect(rulesBrokenBy(toName(rule, 'good'))).not.toContain(rule)
  })
})
