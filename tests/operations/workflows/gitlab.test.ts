import { describe, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { pipelineComplaints, readJobs } from './gitlab-rules.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const source = readFileSync(join(ROOT, '.gitlab-ci.yml'), 'utf8')
const jobs = readJobs(source)

/** One fault for each rule: what is found, what is put in its place, and the complaint. */
const FAULTS: [found: string | RegExp, replaced: string, complaint: string][] = [
  ['stages:', 'include: https://site.org/ci.yml\nstages:', 'takes over what is elsewhere'],
  ['  timeout: 20 minutes\n', '', 'has no time limit'],
  ['stage: guard', 'stage: gaurd', 'guard is in no stage'],
  ['needs: [check]', 'needs: [chart]', 'guard needs chart, which does not come before it'],
  ['needs: [check]', 'needs: [checks]', 'guard needs checks, which does not come before it'],
  [/script:\n {4}- bash .ci\/run/, 'script: []', 'check does nothing'],
  [
    'cli:v1.114.0',
    'cli:latest',
    'release runs in registry.gitlab.com/gitlab-org/cli:latest, which is no exact version',
  ],
  [
    / {2}image: golang:.*/,
    '  interruptible: true',
    'tools runs in nothing, which is no exact version',
  ],
  [/docker:28.5.2-dind@.*/, 'docker:dind', 'build runs in docker:dind, which is no exact version'],
  [
    /tonistiigi\/binfmt:.*/,
    'tonistiigi/binfmt',
    'build runs in tonistiigi/binfmt, which is no exact version',
  ],
  ['--password-stdin "${IMAGE', '--password "$REGISTRY_PASSWORD" "${IMAGE', 'build shows a secret'],
]

interface Workflow {
  jobs: Record<string, { steps?: { with?: Record<string, string> }[] }>
}

/** The scripts of release jobs that run ours, with the words that follow. */
function releaseCommands(text: string): string[] {
  const commands = text.matchAll(
    /(?:node scripts\/release\/main\.ts|bash scripts\/release\/\S+) ?([\w-]*)/g,
  )
  return [...new Set([...commands].map((match) => match[0].trim()))].toSorted()
}

describe("GitLab's pipeline", () => {
  it('keeps the rules', () => {
    expect(pipelineComplaints(source)).toEqual([])
  })

  it.each(FAULTS)('is complained of where %s becomes %j', (found, replaced, complaint) => {
    const faulty = source.replace(found, replaced)
    expect(faulty).not.toBe(source)
    expect(pipelineComplaints(faulty)).toContain(complaint)
  })

  it('runs the check that a person runs, and releases nothing without it', () => {
    expect(jobs.get('check')?.script).toEqual(['bash .ci/run'])
    expect(jobs.get('guard')?.needs).toEqual(['check'])
  })

  it('releases tags only, one after the other', () => {
    const releasing = [...jobs].filter(([, job]) => job.resource_group === 'release')
    expect(releasing.map(([name]) => name)).toEqual([
      'cosign',
      'guard',
      'build',
      'chart',
      'files',
      'release',
    ])
    for (const [, job] of releasing) expect(job.rules).toEqual([{ if: '$CI_COMMIT_TAG =~ /^v/' }])
  })

  it('asks of a release what the workflow on GitHub asks', () => {
    const workflow = readFileSync(join(ROOT, '.github/workflows/release.yml'), 'utf8')
    expect(releaseCommands(source)).toEqual(releaseCommands(workflow))
    expect(releaseCommands(source)).toHaveLength(4)
  })

  it('and that workflow run on the same versions', () => {
    const pins = (text: string) =>
      ['node', 'tonistiigi/binfmt', 'moby/buildkit'].map((name) =>
        new RegExp(`[ =]${name}:\\S+@sha256:[0-9a-f]{64}`).exec(text)?.[0].slice(1),
      )
    const workflows = ['ci', 'release'].map((name) =>
      readFileSync(join(ROOT, `.github/workflows/${name}.yml`), 'utf8'),
    )
    expect(pins(source)).toEqual(pins(workflows.join('\n')))
    const release = (parse(workflows[1] ?? '') as Workflow).jobs
    const versions = Object.values(release).flatMap((job) =>
      (job.steps ?? []).flatMap((step) => step.with?.['cosign-release'] ?? []),
    )
    expect([...new Set(versions)]).toEqual([/cosign@(v[\d.]+)/.exec(source)?.[1]])
  })

  it('runs on the Node that the image is built on', () => {
    const base = /^ARG NODE_IMAGE=node:([\d.]+)/m.exec(
      readFileSync(join(ROOT, 'docker/Dockerfile'), 'utf8'),
    )
    expect(source).toContain(`node:${base?.[1] ?? ''}-bookworm@`)
  })
})
