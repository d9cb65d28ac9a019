import { execFile, spawn } from 'node:child_process'
import { access, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { endWithThisProcess } from '../../environment/servers/child.ts'
import { findFreePort } from '../../environment/servers/ports.ts'
import { waitUntil } from '../../environment/wait-until.ts'

const run = promisify(execFile)
/** Debian's package, unpacked: installing it would start a server. */
const CACHE = join(homedir(), '.cache/chatbox/prometheus')
const READY_MS = 30_000
const DOWNLOAD_MS = 120_000

export interface PrometheusPrograms {
  prometheus: string
  promtool: string
}

/** From the PATH, or else from Debian; a string that says why there are none. */
export async function findPrometheus(): Promise<PrometheusPrograms | string> {
  const onPath = { prometheus: 'prometheus', promtool: 'promtool' }
  if (await runs(onPath.promtool)) return onPath
  const bin = join(CACHE, 'usr/bin')
  const cached = { prometheus: join(bin, 'prometheus'), promtool: join(bin, 'promtool') }
  if (await runs(cached.promtool)) return cached
  try {
    await download()
    return cached
  } catch {
    return 'there is no promtool on the PATH, and Debian’s package cannot be had'
  }
}

async function runs(promtool: string): Promise<boolean> {
  return await run(promtool, ['--version']).then(
    () => true,
    () => false,
  )
}

async function download(): Promise<void> {
  await mkdir(join(CACHE, '..'), { recursive: true })
  const folder = await mkdtemp(`${CACHE}-`)
  try {
    await run('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: DOWNLOAD_MS })
    await run('sh', ['-c', 'dpkg -x ./*.deb unpacked'], { cwd: folder })
    // Another run may have been faster.
    await rename(join(folder, 'unpacked'), CACHE).catch(() => access(CACHE))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

export interface RunningPrometheus {
  /** The result of an instant query at this moment; rejects with what Prometheus has against it. */
  query(expr: string): Promise<Sample[]>
  /** The names of alerts that are pending or fire. */
  activeAlerts(): Promise<string[]>
  stop(): Promise<void>
}

interface Sample {
  metric: Record<string, string>
  value: number
}

export interface PrometheusOptions {
  programs: PrometheusPrograms
  /** Management ports of 127.0.0.1, by the job that each belongs to. */
  jobs: Record<string, number[]>
  rules: string
}

/** Scrapes and judges every second, so that a test sees soon what production sees later. */
export async function startPrometheus(options: PrometheusOptions): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-prometheus-'))
  const config = join(folder, 'prometheus.yaml')
  await writeFile(config, JSON.stringify(toConfig(options)))
  const port = await findFreePort()
  const child = spawn(
    options.programs.prometheus,
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  endWithThisProcess(child)
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill('SIGTERM')
    await exited
    await rm(folder, { recursive: true })
  }
  try {
    await waitUntil(() => isReady(url), READY_MS)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    query: (expr) => query(url, expr),
    activeAlerts: () => readAlerts(url),
    stop,
  }
}

function toConfig({ jobs, rules }: PrometheusOptions): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [rules],
    scrape_configs: Object.entries(jobs).map(([job, ports]) => ({
      job_name: job,
      static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
    })),
  }
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}

interface Answer {
  status: string
  error?: string
  data?: {
    result?: { metric: Record<string, string>; value: [number, string] }[]
    alerts?: { labels: Record<string, string> }[]
  }
}

async function query(url: string, expr: string): Promise<Sample[]> {
  const body = new URLSearchParams({ query: expr })
  const answer = await fetch(`${url}/api/v1/query`, { method: 'POST', body })
  const { status, error, data } = (await answer.json()) as Answer
  if (status !== 'success') throw new Error(`${error ?? 'no answer'} in: ${expr}`)
  return (data?.result ?? []).map(({ metric, value }) => ({ metric, value: Number(value[1]) }))
}

async function readAlerts(url: string): Promise<string[]> {
  const { data } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as Answer
  return [...new Set((data?.alerts ?? []).map(({ labels }) => labels.alertname ?? ''))].sort()
}
