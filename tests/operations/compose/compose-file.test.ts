import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeSettings } from '@chatbox/kit'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { WITHHELD } from '../../../scripts/documents/compose.ts'
import { describeUnless } from '../../support/describe-unless.ts'
import { IMAGE } from '../support/docker.ts'
import { STAND_INS } from './stand-ins/make.ts'
import { buildLoader, findCompose, findLoaderSkipReason } from './support/find-compose.ts'
import { makeSecrets, SECRET_NAMES, toEnvText } from './support/secrets.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const FILE = join(ROOT, 'docker-compose.yml')
const TLS_FILE = join(ROOT, 'docker/compose.tls.yml')

interface Service {
  image: string
  user?: string
  init: boolean
  read_only: boolean
  tmpfs: string[]
  cap_drop: string[]
  security_opt: string[]
  mem_limit: string
  pids_limit: number
  restart: string
  stop_grace_period?: string
  logging: { driver: string; options: Record<string, string> }
  ports?: string[]
  networks: string[]
  environment?: Record<string, string | null>
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test?: string[]; disable?: boolean }
  profiles?: string[]
}

interface ComposeFile {
  services: Record<string, Service>
  networks: Record<string, { internal?: boolean } | null>
  volumes: Record<string, null>
}

const text = await readFile(FILE, 'utf8')
const { services, networks, volumes } = parse(text, { merge: true }) as ComposeFile
const all = Object.entries(services)

describe('the compose file', () => {
  it('has the services, networks and volumes that the documentation names', () => {
    const always = all.filter(([, { profiles }]) => profiles === undefined).map(([name]) => name)
    expect(always).toEqual(['redis', 'mongo', 'migrate', 'gateway', 'worker', 'proxy'])
    expect(profileOf('observe')).toEqual(['prometheus', 'alertmanager', 'grafana'])
    expect(profileOf('mail')).toEqual(['mailpit'])
    expect(Object.keys(networks)).toEqual(['front', 'back', 'out', 'observe'])
    expect(Object.keys(volumes)).toEqual([
      'redis',
      'mongo',
      'prometheus',
      'alertmanager',
      'grafana',
    ])
  })

  it.each(all)('pins the image of %s to a version', (_name, { image }) => {
    expect(image).toMatch(/^[a-z][\w./-]*:v?\d+\.\d+\.\d+(-[a-z]+)?$/)
    const known = Object.values(STAND_INS).map((standIn) => standIn.image)
    expect([IMAGE, ...known]).toContain(image)
  })

  it.each(all)('lets %s do no more than it has to', (name, service) => {
    expect(service).toMatchObject({
      init: false,
      read_only: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
      pids_limit: expect.any(Number),
      mem_limit: expect.stringMatching(/^\d+[mg]$/),
      restart: name === 'migrate' ? 'no' : 'unless-stopped',
      logging: { driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } },
    })
    expect(service.tmpfs).toContain('/tmp:size=64m,mode=1777')
    // The product's own image names its user.
    if (service.image !== IMAGE) expect(service.user).toMatch(/^[1-9]\d*:\d+$/)
  })

  it('publishes the port of the proxy, and the boards on this machine alone', () => {
    const published = all.filter(([, { ports }]) => ports !== undefined)
    expect(Object.fromEntries(published.map(([name, { ports }]) => [name, ports]))).toEqual({
      proxy: ['${CHATBOX_ADDRESS:-127.0.0.1}:${CHATBOX_PORT:-8080}:8080'],
      grafana: ['127.0.0.1:${GRAFANA_PORT:-3000}:3000'],
      mailpit: ['127.0.0.1:${MAILPIT_PORT:-8025}:8025'],
    })
  })

  it('keeps the stores on a network without a way out, where only those are that need them', () => {
    expect(networks.back).toEqual({ internal: true })
    expect(on('back')).toEqual(['redis', 'mongo', 'migrate', 'gateway', 'worker'])
    expect(on('front')).toEqual(['gateway', 'proxy'])
    expect(on('out')).toEqual(['worker'])
    for (const name of ['redis', 'mongo', 'migrate'])
      expect(services[name]?.networks).toEqual(['back'])
  })

  it('starts the stores, then migrates, then starts the product, then the proxy', () => {
    const stores = {
      redis: { condition: 'service_healthy' },
      mongo: { condition: 'service_healthy' },
    }
    const product = { ...stores, migrate: { condition: 'service_completed_successfully' } }
    expect(services.migrate?.depends_on).toEqual(stores)
    expect(services.gateway?.depends_on).toEqual(product)
    expect(services.worker?.depends_on).toEqual(product)
    expect(services.proxy?.depends_on).toEqual({ gateway: { condition: 'service_healthy' } })
    for (const name of ['redis', 'mongo', 'gateway', 'worker']) {
      expect(services[name]?.healthcheck?.test).toBeDefined()
    }
  })

  it('holds no credential: each is asked for, or is for somebody who is not always there', () => {
    const named = all.flatMap(([, { environment = {} }]) => Object.entries(environment))
    const credentials = named.filter(
      ([name, value]) => value !== null && /SECRET|KEYS|PASSWORD|AUTH|URL|URI/.test(name),
    )
    expect(credentials.length).toBeGreaterThanOrEqual(10)
    for (const [name, value] of credentials) {
      if (name === 'GF_SECURITY_ADMIN_PASSWORD') expect(value).toBe('${GRAFANA_PASSWORD:-}')
      else expect(value).toMatch(/\$\{\w+:\?\w+ (?:is|are) missing, npm run env makes (one|them)\}/)
    }
  })
})

/** What compose decides itself, and why nobody may set it. */
const FIXED: Record<string, string> = {
  ...WITHHELD,
  NODE_ENV: 'always production',
  MODE: 'always a cluster',
  TRUSTED_PROXIES: 'the network of the proxy',
  ALLOW_PLAINTEXT_BACKENDS: 'the stores are in a network of their own',
  REDIS_URL: 'the Redis of the file, with REDIS_PASSWORD',
  MONGO_URI: 'the store of the file, with MONGO_PASSWORD',
  DATA_DIR: 'a standalone process alone has one',
}
const MODELS = [1, 2, 3]
/** Of a model a gateway needs no more, and no key. */
const SHOWN = ['ID', 'NAME', 'TYPE', 'MODEL']

describe('the settings of the compose file', () => {
  const { settings, provider } = describeSettings()

  it.each(['gateway', 'worker'] as const)(
    'of a %s are all that it reads, and no others',
    (name) => {
      const own = settings
        .filter((setting) => setting.usedBy.includes(name))
        .map((setting) => setting.name)
        .filter((setting) => FIXED[setting] === undefined)
      const ofModels = MODELS.flatMap((n) =>
        provider
          .map((setting) => setting.name.replace('<n>', `${n}`))
          .filter(
            (setting) => name === 'worker' || SHOWN.includes(setting.replace(/^.*_\d+_/, '')),
          ),
      )
      const given = Object.keys(services[name]?.environment ?? {})
      expect(
        given.filter((setting) => !(setting in FIXED) && setting !== 'PROBE_ORIGIN').sort(),
      ).toEqual([...own, ...ofModels].sort())
    },
  )

  it('names no setting as fixed that there is none of', () => {
    const names: string[] = settings.map(({ name }) => name)
    expect(Object.keys(FIXED).filter((name) => !names.includes(name))).toEqual([])
  })

  it('can all be found in .env.example, and so can the variables of the file', async () => {
    const example = await readFile(join(ROOT, '.env.example'), 'utf8')
    const found = [...example.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name ?? '')
    const files = text + (await readFile(TLS_FILE, 'utf8'))
    const variables = [...files.matchAll(/(?<!\$)\$\{(\w+)/g)].map(([, name]) => name ?? '')
    const wanted = [
      ...settings.map(({ name }) => name),
      ...provider.map(({ name }) => name.replace('<n>', '1')),
      ...variables,
    ]
    expect([...new Set(wanted)].filter((name) => !found.includes(name))).toEqual([])
    expect(new Set(found).size).toBe(found.length)
    const unknown = found.filter((name) => !wanted.includes(name))
    expect(unknown).toEqual([])
  })
})

const compose = findCompose()
const loaderReason = findLoaderSkipReason()

describeUnless(loaderReason)('docker compose 2', () => {
  let folder = ''
  let loader = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-compose-'))
    loader = buildLoader(folder)
  }, 300_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads the file', () => {
    const { status, stdout } = load(makeSecrets())
    expect(status).toBe(0)
    const project = JSON.parse(stdout) as { services: Record<string, { scale?: number }> }
    expect(Object.keys(project.services).sort()).toEqual(Object.keys(services).sort())
    expect(project.services.gateway?.scale).toBe(2)
    expect(project.services.worker?.scale).toBe(2)
  })

  it('reads the file with https, and asks for the certificate', () => {
    const both = [FILE, TLS_FILE]
    const PUBLIC_URL = 'https://chat.site.org'
    const { status, stderr } = load({ ...makeSecrets(), PUBLIC_URL }, both)
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: expect.stringContaining('CHATBOX_CERTIFICATE'),
    })
    const CHATBOX_CERTIFICATE = '/etc/site.pem'
    expect(load({ ...makeSecrets(), PUBLIC_URL, CHATBOX_CERTIFICATE }, both).status).toBe(0)
  })

  it.each(SECRET_NAMES)('names %s where it is missing', (name) => {
    const { [name]: _left, ...others } = makeSecrets()
    const { status, stderr } = load(others)
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining(name) })
  })

  it('refuses what its schema does not know', async () => {
    const file = join(folder, 'wrong.yml')
    await writeFile(file, text.replace('read_only: true', 'readonly: true'))
    const { status, stderr } = load(makeSecrets(), [file])
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringContaining('readonly') })
  })

  function load(variables: Record<string, string>, files = [FILE]) {
    return spawnSync(loader, files, { encoding: 'utf8', input: toEnvText(variables) })
  }
})

describeUnless(typeof compose === 'string' ? compose : undefined)('compose of this machine', () => {
  let folder = ''

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-compose-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it('reads the file', async () => {
    expect(await config(makeSecrets())).toMatchObject({ status: 0 })
  })

  it.each(SECRET_NAMES)('names %s where it is missing or empty', async (name) => {
    const { [name]: _left, ...others } = makeSecrets()
    const refused = { status: expect.any(Number), stderr: expect.stringContaining(`${name} `) }
    for (const values of [others, { ...others, [name]: '' }]) {
      const found = await config(values)
      expect(found).toMatchObject(refused)
      expect(found.status).not.toBe(0)
    }
  })

  async function config(values: Record<string, string>) {
    if (typeof compose === 'string') throw new Error(compose)
    const envFile = join(folder, '.env')
    await writeFile(envFile, toEnvText(values))
    const [program, ...args] = compose.command
    return spawnSync(
      program,
      [...args, '--file', FILE, '--env-file', envFile, 'config', '--quiet'],
      {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, HOME: folder },
      },
    )
  }
})

function profileOf(name: string): string[] {
  return all.filter(([, { profiles }]) => profiles?.includes(name)).map(([service]) => service)
}

function on(network: string): string[] {
  return all.filter(([, service]) => service.networks.includes(network)).map(([name]) => name)
}
