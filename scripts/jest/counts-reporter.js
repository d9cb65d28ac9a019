// Writes the counts of a run, and why tests were skipped, to the file in `CHATBOX_COUNTS`. With
// `CHATBOX_COVERAGE` it also writes V8's coverage there, in Node's own format for NODE_V8_COVERAGE.
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { pathToFileURL } from 'node:url'

export default class CountsReporter {
  onTestResult(_test, { v8Coverage }) {
    const folder = process.env.CHATBOX_COVERAGE
    if (!folder || !v8Coverage) return
    const result = v8Coverage.map(({ result: script, codeTransformResult: code }) => ({
      ...script,
      url: script.url.startsWith('file:') ? script.url : pathToFileURL(script.url).href,
      // A file that was changed by more than stripping types has a map back to its lines.
      ...(script.url.endsWith('x') && toTransformed(code)),
    }))
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `coverage-jest-${randomUUID()}.json`), JSON.stringify({ result }))
  }

  onRunComplete(_contexts, results) {
    const file = process.env.CHATBOX_COUNTS
    if (!file) return
    const counts = {
      passed: results.numPassedTests,
      // A file that could not be loaded has no tests to count.
      failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
      skipped: results.numPendingTests + results.numTodoTests,
      reasons: results.testResults.flatMap(toReasons),
    }
    writeFileSync(file, JSON.stringify(counts))
  }
}

function toTransformed({ code, sourceMapPath }) {
  return { source: code, sourceMap: JSON.parse(readFileSync(sourceMapPath, 'utf8')) }
}

/** A suite that cannot run gives the reason in its title: see tests/support/describe-unless.ts. */
function toReasons({ testFilePath, testResults }) {
  const skipped = testResults.filter(({ status }) => status === 'pending' || status === 'todo')
  const titles = skipped.map(({ ancestorTitles, title }) => ancestorTitles[0] ?? title)
  return [...new Set(titles)].map((title) => `${testFilePath}: ${title}`)
}
