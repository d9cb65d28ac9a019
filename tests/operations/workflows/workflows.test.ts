import { describe, expect, it } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { describeUnless } from '../../support/describe-unless.ts'
import { buildTool } from './build-tool.ts'
import { workflowComplaints } from './workflow-rules.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FOLDER = join(ROOT, '.github/workflows')
const files = readdirSync(FOLDER)
const read = (file: string) => readFileSync(join(FOLDER, file), 'utf8')

const HASH = '3d3c42e5aac5ba805825da76410c181273ba90b1'

/** One fault for each rule: what is found in a good workflow, what is put in its place, and the complaint. */
const FAULTS: [found: string | RegExp, replaced: string, complaint: string][] = [
  ['  push:', '  pull_request_target:\n  push:', 'runs with secrets on foreign code'],
  ['permissions: {}', 'permissions: read-all', 'gives every job permissions'],
  [/^concurrency:\n(?: .*\n)+/m, '', 'has no concurrency'],
  ['bash -euo pipefail {0}', 'bash {0}', 'has a shell that goes on after a failure'],
  [`${HASH} # v7.0.1`, 'v7', 'uses actions/checkout@v7, which is no exact version'],
  [` # v7.0.1`, '', `uses actions/checkout@${HASH}, which is no exact version`],
  [/ {4}timeout-minutes.*\n/, '', 'guard has no time limit'],
  ['contents: read', 'contents: write', 'guard may write contents'],
  [/ {4}permissions:\n {6}contents: read\n/, '', 'guard names no permissions'],
  ['persist-credentials: false', 'fetch-depth: 1', 'guard leaves its token in the checkout'],
  ['check "$TAG"', 'check "${{ github.ref_name }}"', 'guard puts an expression into a script'],
  [/(image: tonistiigi.*)@.*/, '$1', 'image fetches a loose image'],
]

describe('workflows', () => {
  it('are the check and the release', () => {
    expect(files.toSorted()).toEqual(['ci.yml', 'release.yml'])
  })

  it.each(files)('%s keeps the rules', (file) => {
    expect(workflowComplaints(read(file))).toEqual([])
  })

  it.each(FAULTS)('are complained of where %s becomes %j', (found, replaced, complaint) => {
    const faulty = read('release.yml').replace(found, replaced)
    expect(faulty).not.toBe(read('release.yml'))
    expect(workflowComplaints(faulty)).toContain(complaint)
  })

  it('check in an image that no tag can change', () => {
    const faulty = read('ci.yml').replace(/@sha256:[0-9a-f]{64}/, '')
    expect(workflowComplaints(faulty)).toEqual(['check runs in a loose image'])
  })

  it('run the check that a person runs', () => {
    const { jobs } = parse(read('ci.yml')) as {
      jobs: Record<string, { steps: { run?: string }[] }>
    }
    expect(jobs.check?.steps.at(-1)?.run).toBe('bash .ci/run')
    const release = parse(read('release.yml')) as { jobs: Record<string, { needs?: string[] }> }
    expect(release.jobs.image?.needs).toContain('check')
  })

  it('keep what is where they look for it', () => {
    const globs = [...read('ci.yml').matchAll(/hashFiles\('([^']*)'\)/g)].map((match) => match[1])
    expect(globs).toHaveLength(4)
    for (const glob of globs) {
      expect(existsSync(join(ROOT, (glob ?? '').replace(/\*\*.*$/, '')))).toBe(true)
    }
  })
})

describe('updates of dependencies', () => {
  const MANIFESTS: Record<string, string> = {
    npm: 'package.json',
    'github-actions': '.github/workflows',
    docker: 'Dockerfile',
    'docker-compose': 'docker-compose.yml',
    gomod: 'go.mod',
  }
  interface Update {
    'package-ecosystem': string
    directory?: string
    directories?: string[]
  }
  const { updates } = parse(readFileSync(join(ROOT, '.github/dependabot.yml'), 'utf8')) as {
    updates: Update[]
  }

  it('cover each kind of package once', () => {
    const kinds = updates.map((update) => update['package-ecosystem'])
    expect(kinds.toSorted()).toEqual(Object.keys(MANIFESTS).toSorted())
  })

  it.each(updates)('of $package-ecosystem look into folders that hold them', (update) => {
    const manifest = MANIFESTS[update['package-ecosystem']] ?? ''
    const folders = update.directories ?? [update.directory ?? '']
    for (const folder of folders) expect(existsSync(join(ROOT, folder, manifest))).toBe(true)
  })
})

const actionlint = buildTool('actionlint')

describeUnless(actionlint.missing)('actionlint', () => {
  function lint(text: string): { status: number | null; stdout: string } {
    const { status, stdout } = spawnSync(
      join(actionlint.folder, 'actionlint'),
      // It runs shellcheck where that is there; its findings differ between versions.
      ['-shellcheck=', '-pyflakes=', '-'],
      { cwd: ROOT, input: text, encoding: 'utf8' },
    )
    return { status, stdout }
  }

  it.each(files)('has nothing to say of %s', (file) => {
    expect(lint(read(file))).toEqual({ status: 0, stdout: '' })
  })

  it('knows outputs that do not exist', () => {
    const { status, stdout } = lint(read('release.yml').replace('outputs.VERSION', 'typo.VERSION'))
    expect(status).toBe(1)
    expect(stdout).toContain('property "typo" is not defined')
  })
})
