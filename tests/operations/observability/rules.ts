import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export interface AlertRule {
  alert: string
  expr: string
  for: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}

export interface RecordingRule {
  record: string
  expr: string
}

interface RuleFile {
  groups: { name: string; rules: (AlertRule | RecordingRule)[] }[]
}

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export const RULES_FILE = at('../../../helm/chatbox/files/alerts.yaml')
export const RUNBOOK_FILE = at('../../../docs/runbook.md')
const ALERT_TESTS = at('./alerts/')

function readGroups(): RuleFile['groups'] {
  return (parse(readFileSync(RULES_FILE, 'utf8')) as RuleFile).groups
}

/** In the order of the file: recorded names before the alerts that read them. */
export function listGroups(): string[] {
  return readGroups().map(({ name }) => name)
}

function readRules(): (AlertRule | RecordingRule)[] {
  return readGroups().flatMap(({ rules }) => rules)
}

export function readAlerts(): AlertRule[] {
  return readRules().filter((rule) => 'alert' in rule)
}

export function readRecordings(): RecordingRule[] {
  return readRules().filter((rule) => 'record' in rule)
}

export function listAlertTests(): string[] {
  return readdirSync(ALERT_TESTS).map((file) => `${ALERT_TESTS}${file}`)
}

interface AlertTestFile {
  group_eval_order?: string[]
  tests: { name: string; promql_expr_test: { exp_samples: { labels: string }[] }[] }[]
}

/** The order in which each test file has the groups evaluated, by its path. */
export function readEvaluationOrders(): [string, string[] | undefined][] {
  return listAlertTests().map((path) => {
    const { group_eval_order: order } = parse(readFileSync(path, 'utf8')) as AlertTestFile
    return [path, order]
  })
}

/** How often each alert is expected to fire, over all unit tests. */
export function countExpected(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const path of listAlertTests()) {
    const { tests } = parse(readFileSync(path, 'utf8')) as AlertTestFile
    for (const { labels } of tests.flatMap((test) =>
      test.promql_expr_test.flatMap(({ exp_samples: samples }) => samples),
    )) {
      const alert = /alertname="(\w+)"/u.exec(labels)?.[1] ?? ''
      counts.set(alert, (counts.get(alert) ?? 0) + 1)
    }
  }
  return counts
}
