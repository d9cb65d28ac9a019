import { findFreePort } from '../../../environment/servers/ports.ts'
import type { ComposeProject } from './compose-project.ts'

interface QueryAnswer {
  status: string
  error?: string
  data?: { result: { value: [number, string] }[] }
}

interface TargetsAnswer {
  data: { activeTargets: { labels: Record<string, string>; health: string }[] }
}

interface RulesAnswer {
  data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
}

const SOURCE = '/api/datasources/proxy/uid/prometheus/api/v1'

/** Grafana of a project as an operator's browser talks to it, and Prometheus through it. */
export class Observer {
  readonly #port: number
  readonly #login: string

  private constructor(port: number, password: string) {
    this.#port = port
    this.#login = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
  }

  /** Adds the profiles and what they need to the project, which the next `up` starts. */
  static async addTo(project: ComposeProject, password: string): Promise<Observer> {
    const port = await findFreePort()
    project.profiles = ['observe', 'mail']
    Object.assign(project.env, {
      GRAFANA_PASSWORD: password,
      GRAFANA_PORT: `${port}`,
      MAILPIT_PORT: `${await findFreePort()}`,
      ALERTMANAGER_CONFIG: './docker/observe/alertmanager-mail.yml',
    })
    return new Observer(port, password)
  }

  async health(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/api/health`).catch(() => undefined)
    return answer?.ok ?? false
  }

  /** The status that an address gives somebody with this password. */
  async statusFor(password: string): Promise<number> {
    const login = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`
    const headers = { authorization: login }
    return (await fetch(`http://127.0.0.1:${this.#port}/api/search`, { headers })).status
  }

  async boards(): Promise<string[]> {
    return (await this.#get<{ uid: string }[]>('/api/search?type=dash-db')).map(({ uid }) => uid)
  }

  /** `job health` of each process that Prometheus has found. */
  async targets(): Promise<string[]> {
    const { data } = await this.#get<TargetsAnswer>(`${SOURCE}/targets`)
    return data.activeTargets.map(({ labels, health }) => `${labels.job} ${health}`).sort()
  }

  async rules(): Promise<RulesAnswer['data']['groups'][number]['rules']> {
    const { data } = await this.#get<RulesAnswer>(`${SOURCE}/rules`)
    return data.groups.flatMap(({ rules }) => rules)
  }

  /** Whether there is a number; rejects with what Prometheus has against the query. */
  async hasData(expr: string): Promise<boolean> {
    const path = `${SOURCE}/query?query=${encodeURIComponent(expr)}`
    const { status, error, data } = await this.#get<QueryAnswer>(path)
    if (status !== 'success') throw new Error(`${error ?? 'no answer'} in: ${expr}`)
    return (data?.result ?? []).some(({ value }) => !Number.isNaN(Number(value[1])))
  }

  async #get<T>(path: string): Promise<T> {
    const headers = { authorization: this.#login }
    const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, { headers })
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}`)
    return (await answer.json()) as T
  }
}
