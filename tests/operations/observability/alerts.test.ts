import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { describeUnless } from '../../support/describe-unless.ts'
import { findPrometheus } from './prometheus.ts'
import {
  countExpected,
  listAlertTests,
  listGroups,
  readAlerts,
  readEvaluationOrders,
  readRecordings,
  RULES_FILE,
  RUNBOOK_FILE,
} from './rules.ts'

const run = promisify(execFile)
const ALERTS = readAlerts()
const NAMES = ALERTS.map(({ alert }) => alert)
/** The long windows of the objectives take their time. */
const UNIT_TESTS_MS = 300_000

const programs = await findPrometheus()
const promtool = typeof programs === 'string' ? '' : programs.promtool

describeUnless(typeof programs === 'string' ? programs : undefined)('promtool', () => {
  it('accepts the rules', async () => {
    const { stdout } = await run(promtool, ['check', 'rules', '--lint-fatal', RULES_FILE])
    expect(stdout).toContain(`SUCCESS: ${ALERTS.length + readRecordings().length} rules found`)
  })

  it(
    'finds in the unit tests that what is to fire fires, and nothing else',
    async () => {
      const tested = run(promtool, ['test', 'rules', ...listAlertTests()])
      // It names the file on its standard output and the fault on the other one.
      const faults = await tested.then(
        () => '',
        (failed: unknown) => {
          const { stdout, stderr } = failed as { stdout: string; stderr: string }
          return `${stdout}${stderr}`
        },
      )
      expect(faults).toBe('')
    },
    UNIT_TESTS_MS,
  )
})

describe('the alerts', () => {
  // promtool takes groups without an order from a map. An alert that reads a recorded name then sees,
  // by chance, the value of the evaluation before.
  it('are tested with their groups in the order of the file', () => {
    for (const order of readEvaluationOrders()) expect(order).toEqual([order[0], listGroups()])
  })

  it('have a unit test each in which they fire', () => {
    const expected = countExpected()
    expect(NAMES.filter((alert) => !expected.has(alert))).toEqual([])
    expect([...expected.keys()].filter((alert) => !NAMES.includes(alert))).toEqual([])
  })

  it('have a section of the runbook each, and the runbook has no other', () => {
    const page = readFileSync(RUNBOOK_FILE, 'utf8')
    const sections = [...page.matchAll(/^## (Chatbox\w+)$/gmu)].map(([, name]) => name)
    expect([...sections].sort()).toEqual([...NAMES].sort())
  })

  it('are explained in the runbook by the same parts, with commands for both platforms', () => {
    for (const section of readFileSync(RUNBOOK_FILE, 'utf8')
      .split(/^## (?=Chatbox)/mu)
      .slice(1)) {
      const [name] = section.split('\n')
      for (const part of ['Means', 'People see', 'Look first', 'Likely causes', 'Do', 'Escalate']) {
        expect(`${name}: ${section}`).toContain(`**${part}.**`)
      }
      expect(`${name}: ${section}`).toMatch(/kubectl /u)
      expect(`${name}: ${section}`).toMatch(/docker compose |not with compose/iu)
    }
  })

  it('are looked into with logs in full: of pods by label kubectl gives 10 lines each', () => {
    const page = readFileSync(RUNBOOK_FILE, 'utf8')
    const asked = page.split('\n').filter((line) => /^kubectl .* logs -l /u.test(line))
    expect(asked.length).toBeGreaterThan(5)
    expect(asked.filter((line) => !line.includes(' --tail='))).toEqual([])
  })

  it.each(ALERTS)(
    '$alert says in one sentence what is wrong, how bad it is and what to read',
    (rule) => {
      const { alert, labels, annotations } = rule
      expect(labels.severity).toMatch(/^(?:critical|warning)$/u)
      expect(annotations.runbook_url).toBe(`./docs/runbook.md#${alert.toLowerCase()}`)
      expect(annotations.description).toMatch(/^[A-Z].{40,}\.$/su)
      expect(annotations.summary).toMatch(/\.$/u)
      // Where it is: a process, or an installation.
      expect(annotations.summary).toMatch(/\$labels\.(?:instance|namespace)/u)
    },
  )

  it('use no recorded name that is not recorded', () => {
    const recorded = readRecordings().map(({ record }) => record)
    expect(new Set(recorded).size).toBe(recorded.length)
    for (const { expr } of ALERTS) {
      for (const [name] of expr.matchAll(/chatbox:\w+:\w+/gu)) expect(recorded).toContain(name)
    }
  })
})
