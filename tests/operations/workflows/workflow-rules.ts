import { parse } from 'yaml'

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
}

interface Job {
  uses?: string
  permissions?: Record<string, string>
  container?: { image: string }
  steps?: Step[]
  [key: string]: unknown
}

interface Workflow {
  on: Record<string, unknown>
  permissions?: unknown
  concurrency?: unknown
  defaults?: { run?: { shell?: string } }
  jobs: Record<string, Job>
}

/** A commit with the version that it is, or an exact version. */
const PIN = /^[\w./-]+@(?:[0-9a-f]{40} # v\d+\.\d+\.\d+|v\d+\.\d+\.\d+)$/
/** Actions that fetch an image of their own, and the input that says which. */
const IMAGE_INPUTS: Record<string, string> = {
  'docker/setup-qemu-action': 'image',
  'docker/setup-buildx-action': 'driver-opts',
}
const DIGEST = /@sha256:[0-9a-f]{64}$/
/** The jobs that may write where. Whatever else there is reads. */
const WRITES: Record<string, string[]> = {
  image: ['packages', 'id-token'],
  chart: ['packages', 'id-token'],
  release: ['contents', 'id-token'],
}

/** What is wrong with a workflow, as its text: one sentence each. Comments count, so no parsed form. */
export function workflowComplaints(source: string): string[] {
  const workflow = parse(source) as Workflow
  const shell = workflow.defaults?.run?.shell ?? ''
  return [
    ...('pull_request_target' in workflow.on ? ['runs with secrets on foreign code'] : []),
    ...(isEmpty(workflow.permissions) ? [] : ['gives every job permissions']),
    ...(workflow.concurrency === undefined ? ['has no concurrency'] : []),
    ...(shell.startsWith('bash -euo pipefail') ? [] : ['has a shell that goes on after a failure']),
    ...pinComplaints(source),
    ...Object.entries(workflow.jobs).flatMap(([name, job]) => jobComplaints(name, job)),
  ]
}

function pinComplaints(source: string): string[] {
  const used = [...source.matchAll(/^\s*(?:- )?uses: *(.*?) *$/gm)].map((match) => match[1] ?? '')
  return used
    .filter((use) => !use.startsWith('./') && !PIN.test(use))
    .map((use) => `uses ${use}, which is no exact version`)
}

function jobComplaints(name: string, job: Job): string[] {
  const allowed = WRITES[name] ?? []
  const wrong = Object.entries(job.permissions ?? {}).filter(
    ([scope, level]) => level !== 'read' && !allowed.includes(scope),
  )
  return [
    ...(job.permissions ? [] : [`${name} names no permissions`]),
    ...wrong.map(([scope]) => `${name} may write ${scope}`),
    // A called workflow has limits of its own.
    ...(job['timeout-minutes'] === undefined && !job.uses ? [`${name} has no time limit`] : []),
    ...(job.container && !DIGEST.test(job.container.image)
      ? [`${name} runs in a loose image`]
      : []),
    ...(job.steps ?? []).flatMap((step) => stepComplaints(name, step)),
  ]
}

function stepComplaints(name: string, { uses = '', run = '', with: inputs = {} }: Step): string[] {
  const action = uses.split('@')[0] ?? ''
  const input = IMAGE_INPUTS[action]
  return [
    ...(run.includes('${{') ? [`${name} puts an expression into a script`] : []),
    ...(action === 'actions/checkout' && inputs['persist-credentials'] !== false
      ? [`${name} leaves its token in the checkout`]
      : []),
    ...(input && !DIGEST.test(String(inputs[input])) ? [`${name} fetches a loose image`] : []),
  ]
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
