export interface LintSeed {
  rule: string
  /** Breaks the rule. */
  bad: string
  /** Says the same without breaking it: as long, as deep or as wide as is allowed. */
  good: string
}

const lines = (count: number): string =>
  Array.from({ length: count }, (_, index) => `export const line${index} = ${index}`).join('\n')

const longFunction = (count: number): string => {
  const body = Array.from({ length: count - 2 }, (_, index) => `  total += ${index}`).join('\n')
  return `let total = 0\nexport function add(): void {\n${body}\n}\nexport const sum = () => total`
}

const deepFunction = (depth: number): string => {
  const opening = Array.from({ length: depth }, (_, index) => `if (a > ${index}) {`).join('\n')
  return `export function deep(a: number): number {\n${opening}\nreturn a\n${'}'.repeat(depth)}\nreturn 0\n}`
}

const branches = (count: number): string => {
  const tests = Array.from({ length: count - 1 }, (_, index) => `if (a === ${index}) n += 1`)
  return `export function branches(a: number): number {\nlet n = 0\n${tests.join('\n')}\nreturn n\n}`
}

const over = (rule: string, code: (size: number) => string, limit: number): LintSeed => ({
  rule,
  bad: code(limit + 1),
  good: code(limit),
})

/** One fault for each rule that `chatbox/rules` of `eslint.config.js` adds, and its right form. */
export const LINT_SEEDS: LintSeed[] = [
  over('max-lines', lines, 300),
  over('max-lines-per-function', longFunction, 60),
  over('max-depth', deepFunction, 3),
  over('complexity', branches, 10),
  {
    rule: 'max-params',
    bad: 'export const f = (a: number, b: number, c: number, d: number) => a + b + c + d',
    good: 'export const f = (a: number, b: number, c: number) => a + b + c',
  },
  {
    rule: 'eqeqeq',
    bad: 'export const same = (a: string, b: string) => a == b',
    good: 'export const none = (a: string | null | undefined) => a == null',
  },
  { rule: 'no-console', bad: "console.log('text')", good: 'export const text = 1' },
  {
    rule: 'no-restricted-syntax',
    bad: 'export function f(a: Disposable): void {\nusing b = a\nb[Symbol.dispose]()\n}',
    good: 'export function f(a: Disposable): void {\na[Symbol.dispose]()\n}',
  },
  {
    rule: 'n/prefer-node-protocol',
    bad: "import { join } from 'path'\nexport const path = join('a', 'b')",
    good: "import { join } from 'node:path'\nexport const path = join('a', 'b')",
  },
  {
    rule: 'n/no-process-env',
    bad: 'export const home = process.env.HOME',
    good: 'export const home = process.cwd()',
  },
  { rule: 'import-x/no-default-export', bad: 'export default 1', good: 'export const one = 1' },
  {
    rule: 'import-x/no-extraneous-dependencies',
    bad: "import { io } from 'socket.io-client'\nexport const open = io",
    good: "import { LIMITS } from '@chatbox/contract'\nexport const limits = LIMITS",
  },
  {
    rule: '@typescript-eslint/consistent-type-imports',
    bad: "import { Stats } from 'node:fs'\nexport type S = Stats",
    good: "import type { Stats } from 'node:fs'\nexport type S = Stats",
  },
  {
    rule: '@typescript-eslint/no-import-type-side-effects',
    bad: "import { type Stats } from 'node:fs'\nexport type S = Stats",
    good: "import type { Stats } from 'node:fs'\nexport type S = Stats",
  },
  {
    rule: '@typescript-eslint/switch-exhaustiveness-check',
    bad: "export function f(a: 'x' | 'y'): void {\nswitch (a) {\ncase 'x':\nreturn\n}\n}",
    good: "export function f(a: 'x' | 'y'): void {\nswitch (a) {\ncase 'x':\ncase 'y':\nreturn\n}\n}",
  },
  {
    rule: '@typescript-eslint/no-unused-vars',
    bad: 'export function f(a: { x: number; y: number }): void {\nconst { x } = a\n}',
    good: 'export function f(a: { x: number; y: number }): object {\nconst { x, ...rest } = a\nreturn rest\n}',
  },
  {
    rule: '@typescript-eslint/restrict-template-expressions',
    bad: 'export const f = (a: { x: 1 } | boolean) => `${a}`',
    good: 'export const f = (a: number) => `${a}`',
  },
  {
    rule: '@typescript-eslint/no-confusing-void-expression',
    bad: 'declare function act(): void\nexport const done = act()',
    good: 'declare function act(): void\nexport const done = () => act()',
  },
  {
    rule: '@typescript-eslint/explicit-module-boundary-types',
    bad: 'export function one() {\nreturn 1\n}',
    good: 'export function one(): number {\nreturn 1\n}',
  },
]
