import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { fileURLToPath } from 'node:url'
import { findFreePort } from '../../environment/servers/ports.ts'
import { describeUnless } from '../../support/describe-unless.ts'
import { openChatUser, type ChatUser } from '../../support/chat-user.ts'
import { signToken } from '../../environment/tokens.ts'
import { waitUntil } from '../../environment/wait-until.ts'
import { buildImage } from '../support/docker.ts'
import { makeStandIns } from './stand-ins/make.ts'
import { ComposeProject } from './support/compose-project.ts'
import { findCompose } from './support/find-compose.ts'
import { findOpenPorts, type Target } from './support/find-open-ports.ts'
import { makeCertificate } from './support/make-certificate.ts'
import { runProbe } from './support/run-probe.ts'

const tools = findCompose()
const BUILD_TIMEOUT_MS = 10 * 60_000
const UP_TIMEOUT_MS = 180_000
const REPLY_TIMEOUT_MS = 30_000
const TLS_FILE = fileURLToPath(new URL('../../../docker/compose.tls.yml', import.meta.url))
const SERVICES = ['redis', 'mongo', 'migrate', 'gateway', 'worker', 'proxy']

describeUnless(typeof tools === 'string' ? tools : undefined)('docker compose up', () => {
  let project: ComposeProject
  let token = ''

  beforeAll(async () => {
    if (typeof tools === 'string') throw new Error(tools)
    await buildImage(tools.docker)
    await makeStandIns(tools.docker, ['redis', 'mongo', 'haproxy'])
    project = await ComposeProject.create(tools)
    token = await signToken({ sub: 'somebody' }, project.env.JWT_SECRET)
  }, BUILD_TIMEOUT_MS)
  afterAll(() => project.remove(), UP_TIMEOUT_MS)

  it(
    'answers a visitor, with a file of four secrets',
    async () => {
      const startedAt = performance.now()
      await project.up()
      const { code, stderr } = await runProbe(`http://localhost:${project.port}/chatbox`)
      const seconds = (performance.now() - startedAt) / 1000
      // A figure and no check: it says as much of what else the machine does. Alone it is 16 s.
      process.stdout.write(`compose up to a streamed answer: ${seconds.toFixed(1)} s\n`)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    },
    UP_TIMEOUT_MS,
  )

  it('runs two gateways and two workers, and has migrated', async () => {
    expect(await project.ids('gateway')).toHaveLength(2)
    expect(await project.ids('worker')).toHaveLength(2)
    expect(await project.inspect(await project.id('migrate'), '{{.State.ExitCode}}')).toBe('0')
  }, 30_000)

  it('spreads sockets over both gateways', async () => {
    const users: ChatUser[] = []
    for (const sub of ['a', 'b', 'c', 'd']) {
      const own = await signToken({ sub }, project.env.JWT_SECRET)
      users.push(await openChatUser({ url: `http://127.0.0.1:${project.port}`, token: own }))
    }
    const counts = await Promise.all((await project.ids('gateway')).map((id) => countSockets(id)))
    for (const user of users) user.close()
    expect(counts).toEqual([2, 2])
  }, 30_000)

  it('does not believe what a client says of its address', async () => {
    // Sixty visitor tokens a minute are what one address gets; seventy addresses would get them all.
    const answers = await Promise.all(
      Array.from({ length: 70 }, async (_, n) => {
        const origin = `http://127.0.0.1:${project.port}`
        const headers = { 'x-forwarded-for': `203.0.113.${n}`, origin }
        const url = `${origin}/chatbox/api/visitors`
        return (await fetch(url, { method: 'POST', headers })).status
      }),
    )
    expect(answers).toContain(429)
  }, 30_000)

  it.each(SERVICES)(
    'runs %s with as little as the file says',
    async (service) => {
      const id = await project.id(service)
      const { HostConfig: host } = JSON.parse(await project.inspect(id, '{{json .}}')) as {
        HostConfig: Record<string, unknown>
      }
      expect(host).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
        Privileged: false,
        Memory: expect.any(Number),
      })
      expect(host.Memory).toBeGreaterThan(0)
      expect(await project.inspect(id, '{{.Config.User}}')).toMatch(/^[1-9]\d*:\d+$/)
    },
    30_000,
  )

  it('lets the proxy reach the gateways and nothing behind them', async () => {
    const [redis, mongo, worker] = await Promise.all([
      project.address('redis', 'back'),
      project.address('mongo', 'back'),
      project.address('worker', 'back'),
    ])
    const stores: Target[] = [
      { host: 'redis', port: 6379 },
      { host: redis, port: 6379 },
      { host: 'mongo', port: 27017 },
      { host: mongo, port: 27017 },
    ]
    const workers = ['worker', worker].map((host) => ({ host, port: 9090 }))
    const gateway = { host: 'gateway', port: 8080 }
    const from = async (service: string): Promise<string[]> =>
      findOpenPorts(project, await project.id(service), [...stores, ...workers, gateway])
    expect(await from('proxy')).toEqual(['gateway:8080'])
    // The very same question from where the stores may be asked.
    expect(await from('gateway')).toEqual(
      [...stores, ...workers, gateway].map(({ host, port }) => `${host}:${port}`),
    )
  }, 60_000)

  it.each(['redis', 'mongo'])(
    'gives %s no way out',
    async (service) => {
      const networks = '{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}'
      const back = `${project.name}_back`
      expect(await project.inspect(await project.id(service), networks)).toBe(back)
      expect(await project.docker('network', 'inspect', '--format', '{{.Internal}}', back)).toBe(
        'true',
      )
    },
    30_000,
  )

  it('keeps the password of Redis out of arguments, and asks for it', async () => {
    const id = await project.id('redis')
    const [processes, command] = [await project.docker('top', id), '{{json .Args}}']
    const shown = `${processes}${await project.inspect(id, command)}`
    expect(shown).toContain('redis-server')
    expect(shown).not.toContain(project.env.REDIS_PASSWORD)
    const asked = await project.docker('exec', '--env', 'REDISCLI_AUTH=', id, 'redis-cli', 'ping')
    expect(asked).toContain('NOAUTH')
    const settings = ['appendonly', 'maxmemory-policy'].map((name) =>
      project.docker('exec', id, 'redis-cli', 'config', 'get', name),
    )
    expect(await Promise.all(settings)).toEqual(['appendonly\nyes', 'maxmemory-policy\nnoeviction'])
  }, 30_000)

  it('answers the command of the documentation', async () => {
    const probe = ['gateway', 'probe', 'http://proxy:8080/chatbox']
    const { code, stdout } = await project.attempt('run', '--rm', '--no-deps', ...probe)
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('ok: answered') })
  }, 60_000)

  it(
    'has the log of a former session after down and up',
    async () => {
      const url = `http://127.0.0.1:${project.port}`
      const before = await openChatUser({ url, token })
      const { session } = await before.open()
      await before.send(session, 'Do you keep this?')
      await before.waitFor('message:new', ({ message }) => isReply(message), REPLY_TIMEOUT_MS)
      before.close()

      await project.compose('down')
      expect(await project.ids('gateway').catch(() => [])).toEqual([])
      await project.up()
      await waitUntil(async () => (await fetch(`${url}/chatbox/`)).ok, 20_000)
      const after = await openChatUser({ url, token })
      const opened = await after.open()
      after.close()
      expect(opened.session.id).toBe(session.id)
      const texts = opened.messages.filter(({ kind }) => kind === 'text')
      expect(texts.map(({ sender }) => sender.type)).toEqual(['user', 'ai'])
      expect(texts[0]?.content).toBe('Do you keep this?')
    },
    UP_TIMEOUT_MS,
  )

  it(
    'takes more gateways into the turn as they come',
    async () => {
      await project.up('--scale', 'gateway=3')
      const ids = await project.ids('gateway')
      expect(ids).toHaveLength(3)
      const users: ChatUser[] = []
      // Least connections first: the newest one gets the next socket once it is known.
      const newest = async (): Promise<number> => {
        const own = await signToken({ sub: `scale-${users.length}` }, project.env.JWT_SECRET)
        users.push(await openChatUser({ url: `http://127.0.0.1:${project.port}`, token: own }))
        const counts = await Promise.all(ids.map((id) => countSockets(id)))
        return Math.min(...counts)
      }
      await waitUntil(async () => (await newest()) > 0, 30_000)
      for (const user of users) user.close()
    },
    UP_TIMEOUT_MS,
  )

  it(
    'serves https with a certificate of its operator, and sends http on to it',
    async () => {
      const [secure, insecure] = [await findFreePort(), await findFreePort()]
      const certificate = await makeCertificate(project.folder, 'localhost')
      project.overrides = [TLS_FILE]
      Object.assign(project.env, {
        CHATBOX_HTTPS_PORT: `${secure}`,
        CHATBOX_HTTP_PORT: `${insecure}`,
        CHATBOX_CERTIFICATE: certificate.both,
        PUBLIC_URL: `https://localhost:${secure}`,
      })
      await project.up()
      const url = `https://localhost:${secure}/chatbox`
      // With a token: the visitors' tokens of this address may be used up for this minute.
      const env = { NODE_EXTRA_CA_CERTS: certificate.cert, PROBE_TOKEN: token }
      const { code, stderr } = await runProbe(url, env)
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      const plain = await fetch(`http://localhost:${insecure}/chatbox/`, { redirect: 'manual' })
      expect(plain.status).toBe(301)
      expect(plain.headers.get('location')).toMatch(/^https:/)
    },
    UP_TIMEOUT_MS,
  )

  async function countSockets(id: string): Promise<number> {
    const script = `console.log(await (await fetch('http://127.0.0.1:9090/metrics')).text())`
    const metrics = await project.runBeside(id, script)
    return Number(/^chatbox_websocket_connections(?:{.*})? (\d+)$/m.exec(metrics)?.[1])
  }
})

function isReply({ sender, status }: { sender: { type: string }; status: string }): boolean {
  return sender.type === 'ai' && status === 'complete'
}
