/** Browsers, and whole clusters under faults. */
const SCENARIOS = ['/tests/e2e/', '/tests/fault/smoke[.]', '/tests/integration/redis-stopped[.]']
/** The image, compose, the chart and what goes with them: containers, and programs written in Go. */
const OPERATIONS = '/tests/operations/'
const common = {
  transform: {
    '[.]ts$': '<rootDir>/scripts/jest/strip-types.js',
    '[.]tsx$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2024',
          transform: { react: { runtime: 'automatic', importSource: 'preact' } },
        },
        module: { type: 'es6' },
      },
    ],
  },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  testEnvironment: '<rootDir>/scripts/jest/counting-environment.js',
  modulePathIgnorePatterns: ['<rootDir>/.runtime/', '/dist/'],
  testEnvironmentOptions: { customExportConditions: ['chatbox-source', 'node', 'node-addons'] },
}
export default {
  coverageProvider: 'v8',
  // The report is made of more than what jest sees: see scripts/coverage.ts.
  coverageReporters: [],
  // Real servers start within a test, also on a machine that is busy with other things.
  testTimeout: 30_000,
  testSequencer: '<rootDir>/scripts/jest/slow-first.js',
  reporters: ['default', '<rootDir>/scripts/jest/counts-reporter.js'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/{shared,services,web}/**/src/**/*.test.{ts,tsx}'],
    },
    {
      ...common,
      displayName: 'system',
      testMatch: ['<rootDir>/tests/**/*.test.ts'],
      testPathIgnorePatterns: [...SCENARIOS, OPERATIONS],
    },
    {
      ...common,
      displayName: 'scenario',
      testMatch: ['<rootDir>/tests/**/*.test.ts'],
      testPathIgnorePatterns: [`^(?!.*(?:${SCENARIOS.join('|')}))`],
    },
    {
      ...common,
      displayName: 'operations',
      testMatch: [`<rootDir>${OPERATIONS}**/*.test.ts`],
    },
  ],
}
