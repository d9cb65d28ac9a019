import { parse } from 'yaml'

interface Job {
  extends?: string | string[]
  stage?: string
  image?: string
  services?: { name: string }[]
  needs?: string[]
  timeout?: string
  script?: string[]
  variables?: Record<string, string>
  rules?: { if: string }[]
  [key: string]: unknown
}

/** What GitLab reads at the top and takes for no job. */
const KEYWORDS = [
  'workflow',
  'stages',
  'variables',
  'default',
  'include',
  'image',
  'services',
  'cache',
]
const EXACT = /^[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*(?:@sha256:[0-9a-f]{64})?$/
/** A secret in a place that the list of processes shows. */
const SHOWN_SECRET = /--(?:password|token|header) +"?[^@-]*\$\{?\w*(?:PASSWORD|TOKEN)/

/** The jobs of a pipeline, each with what it takes over from the templates that it names. */
export function readJobs(source: string): Map<string, Job> {
  const pipeline = parse(source) as Record<string, Job>
  const names = Object.keys(pipeline).filter(
    (key) => !KEYWORDS.includes(key) && !key.startsWith('.'),
  )
  return new Map(
    names.map((name) => {
      const job = pipeline[name] ?? {}
      const templates = [job.extends ?? []].flat().map((template) => pipeline[template])
      return [name, Object.assign({}, ...templates, job) as Job]
    }),
  )
}

/** What is wrong with a pipeline, as its text: one sentence each. */
export function pipelineComplaints(source: string): string[] {
  const pipeline = parse(source) as {
    stages: string[]
    default?: { timeout?: string }
    include?: unknown
  }
  const jobs = readJobs(source)
  return [
    ...(pipeline.include === undefined ? [] : ['takes over what is elsewhere']),
    ...(pipeline.default?.timeout === undefined ? ['has no time limit'] : []),
    ...[...jobs].flatMap(([name, job]) => [
      ...(pipeline.stages.includes(job.stage ?? '') ? [] : [`${name} is in no stage`]),
      ...(job.script?.length ? [] : [`${name} does nothing`]),
      ...needComplaints(name, job, { jobs, stages: pipeline.stages }),
      ...imageComplaints(name, job),
      ...(job.script?.some((line) => SHOWN_SECRET.test(line)) ? [`${name} shows a secret`] : []),
    ]),
  ]
}

interface Surroundings {
  jobs: Map<string, Job>
  stages: string[]
}

function needComplaints(name: string, job: Job, { jobs, stages }: Surroundings): string[] {
  const at = (one: Job | undefined) => stages.indexOf(one?.stage ?? '')
  return (job.needs ?? [])
    .filter((need) => !jobs.has(need) || at(jobs.get(need)) > at(job))
    .map((need) => `${name} needs ${need}, which does not come before it`)
}

function imageComplaints(name: string, job: Job): string[] {
  const services = (job.services ?? []).map((service) => service.name)
  const own = Object.entries(job.variables ?? {}).filter(([key]) => key.endsWith('_IMAGE'))
  return [job.image ?? 'nothing', ...services, ...own.map(([, image]) => image)]
    .filter((image) => !EXACT.test(image.replace('qemu-', '')))
    .map((image) => `${name} runs in ${image}, which is no exact version`)
}
