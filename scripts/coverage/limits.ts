/** The least share of lines that the tests have to reach, in per cent. */
export const COVERAGE_LIMITS: { all: number; eachPackage: number } = { all: 85, eachPackage: 80 }
