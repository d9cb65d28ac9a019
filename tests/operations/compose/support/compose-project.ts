import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findFreePort } from '../../../environment/servers/ports.ts'
import { IMAGE } from '../../support/docker.ts'
import type { ComposeCommand } from './find-compose.ts'
import { makeSecrets, toEnvText } from './secrets.ts'

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url))
const STEP_TIMEOUT_MS = 240_000
const MAX_OUTPUT = 16 << 20
/** Of each container, when something fails. */
const LAST_LINES = '20'

export interface Outcome {
  code: number
  stdout: string
  stderr: string
}

/** The compose file under a name and a network of its own, so that it disturbs nobody. */
export class ComposeProject {
  readonly name = `chatbox-test-${randomBytes(4).toString('hex')}`
  /** What `.env` holds. */
  env: Record<string, string>
  /** The published one. */
  readonly port: number
  /** For files of the test's own. */
  readonly folder: string
  readonly #tools: ComposeCommand
  /** Files beside docker-compose.yml. */
  overrides: string[] = []
  profiles: string[] = []

  private constructor(tools: ComposeCommand, folder: string, port: number) {
    this.#tools = tools
    this.folder = folder
    this.port = port
    const [third = 0, fourth = 0] = randomBytes(2)
    this.env = {
      ...makeSecrets(),
      CHATBOX_PORT: `${port}`,
      CHATBOX_FRONT_SUBNET: `10.${128 + (third % 64)}.${fourth}.0/24`,
      ALLOWED_ORIGINS: `http://localhost:${port},http://127.0.0.1:${port}`,
      PROBE_ORIGIN: `http://localhost:${port}`,
    }
  }

  static async create(tools: ComposeCommand): Promise<ComposeProject> {
    const folder = await mkdtemp(join(tmpdir(), 'chatbox-compose-'))
    return new ComposeProject(tools, folder, await findFreePort())
  }

  /** Runs compose; throws with what it and the containers said where that fails. */
  async compose(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.attempt(...args)
    if (code === 0) return stdout
    const logs = await this.attempt('logs', '--no-color', '--tail', LAST_LINES)
    throw new Error(`compose ${args.join(' ')} failed:\n${stdout}${stderr}${logs.stdout}`)
  }

  /** Starts it with images that are there. */
  async up(...args: string[]): Promise<void> {
    await this.compose('up', '--detach', '--no-build', ...args)
  }

  async attempt(...args: string[]): Promise<Outcome> {
    const envFile = join(this.folder, '.env')
    await writeFile(envFile, toEnvText(this.env), { mode: 0o600 })
    const [program, ...first] = this.#tools.command
    const files = [join(ROOT, 'docker-compose.yml'), ...this.overrides]
    const options = files.flatMap((file) => ['--file', file])
    options.push('--project-directory', ROOT, '--project-name', this.name, '--env-file', envFile)
    options.push(...this.profiles.flatMap((profile) => ['--profile', profile]))
    return runProgram(program, [...first, ...options, ...args])
  }

  async docker(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram(this.#tools.docker, args)
    if (code !== 0) throw new Error(`docker ${args.join(' ')} failed:\n${stdout}${stderr}`)
    return stdout.trim()
  }

  /** The containers of a service. */
  async ids(service: string): Promise<string[]> {
    const stdout = await this.compose('ps', '--quiet', service)
    return stdout.split('\n').filter((line) => line !== '')
  }

  async id(service: string): Promise<string> {
    const [id] = await this.ids(service)
    if (id === undefined) throw new Error(`there is no container of ${service}`)
    return id
  }

  async inspect(id: string, format: string): Promise<string> {
    return this.docker('inspect', '--format', format, id)
  }

  /** The address of a service's first container on one of the file's networks. */
  async address(service: string, network: string): Promise<string> {
    const place = `{{(index .NetworkSettings.Networks "${this.name}_${network}").IPAddress}}`
    return this.inspect(await this.id(service), place)
  }

  /** Runs JavaScript in the network of a container, which need not have Node itself. */
  async runBeside(id: string, script: string): Promise<string> {
    const node = ['--entrypoint', '/usr/local/bin/node', IMAGE, '--input-type=module', '--eval']
    return this.docker('run', '--rm', '--network', `container:${id}`, ...node, script)
  }

  /** Removes everything that this project made. */
  async remove(): Promise<void> {
    this.profiles = ['observe', 'mail']
    await this.compose('down', '--volumes', '--remove-orphans', '--timeout', '10')
    await rm(this.folder, { recursive: true, force: true })
  }
}

async function runProgram(program: string, args: readonly string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME }
  const limits = { timeout: STEP_TIMEOUT_MS, maxBuffer: MAX_OUTPUT }
  return promisify(execFile)(program, args, { env, ...limits }).then(
    (output) => ({ code: 0, ...output }),
    toFailure,
  )
}

function toFailure(error: unknown): Outcome {
  const { code, stdout = '', stderr } = error as Partial<Record<keyof Outcome, unknown>>
  return {
    code: typeof code === 'number' ? code : 1,
    stdout: String(stdout),
    stderr: String(stderr ?? error),
  }
}
