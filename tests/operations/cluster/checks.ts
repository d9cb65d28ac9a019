export interface Checks {
  /** Does `work` and counts it as passed unless it throws; what it answers is noted. */
  check(name: string, work: () => Promise<string | undefined>): Promise<void>
  /** Something to know that neither passes nor fails. */
  note(text: string): void
  readonly passed: number
  readonly failed: number
  /** Each check's name, whether it passed, and what was noted, in order. */
  readonly results: readonly CheckResult[]
}

export interface CheckResult {
  name: string
  passed: boolean
  note: string
  /** Seconds from the start of the run to its end. */
  atS: number
}

/** Runs checks one after the other; one that fails does not stop the next one. */
export function createChecks(report: (line: string) => void): Checks {
  const startedAt = performance.now()
  const results: CheckResult[] = []
  const seconds = (): number => Math.round((performance.now() - startedAt) / 1000)

  function settle(name: string, passed: boolean, note: string): void {
    results.push({ name, passed, note, atS: seconds() })
    const head = `${String(seconds()).padStart(4)} s ${passed ? 'ok  ' : 'FAIL'} ${name}`
    report(note === '' ? head : `${head}: ${note}`)
  }

  return {
    results,
    get passed() {
      return results.filter(({ passed }) => passed).length
    },
    get failed() {
      return results.filter(({ passed }) => !passed).length
    },
    note: (text) => report(`${String(seconds()).padStart(4)} s      ${text}`),
    async check(name, work) {
      try {
        settle(name, true, (await work()) ?? '')
      } catch (error) {
        settle(name, false, error instanceof Error ? error.message : String(error))
      }
    },
  }
}
