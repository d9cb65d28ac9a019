import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'

const run = promisify(execFile)
const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  scripts: Record<string, string>
}
/** These are the tools themselves, with their own help. */
const TOOLS = ['format', 'lint', 'typecheck', 'docs:chart']
/** These build something first. */
const LATER = ['build', 'test:chart']
const OWN = Object.keys(scripts).filter((name) => ![...TOOLS, ...LATER].includes(name))

/** What a script prints, and its exit code. */
async function call(name: string, option: string) {
  const ended = run('npm', ['--silent', 'run', name, '--', option])
  return await ended.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as { code: number; stdout: string; stderr: string },
  )
}

describe.each(OWN)('npm run %s', (name) => {
  it('says what it does and what it takes', async () => {
    const { code, stdout, stderr } = await call(name, '--help')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^npm (?:test|start|run [\w:]+) -- .*\n\n[A-Z][^\n]+\./u)
  })

  it('refuses an option that it does not know in one line', async () => {
    const { code, stdout, stderr } = await call(name, '--no-such-option')
    expect(stdout).toBe('')
    expect(stderr).toBe("Unknown option '--no-such-option'. --help lists what there is.\n")
    expect(code).toBe(2)
  })
})
