import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals'
import {
  launchService,
  startService,
  type ServiceProcess,
} from '../environment/servers/processes.ts'
import { openChatUser, type ChatUser } from '../support/chat-user.ts'
import { TEST_SECRET } from '../environment/tokens.ts'

const SOME_USERS = 5

// Processes start and drain, and a reply whose process was killed waits for its lease to end.
jest.setTimeout(60_000)

let folder = ''
let env: Record<string, string> = {}
const processes: ServiceProcess[] = []
const users: ChatUser[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatbox-life-'))
  env = { DATA_DIR: join(folder, 'data'), JWT_SECRET: TEST_SECRET }
})
afterEach(async () => {
  users.splice(0).forEach((user) => user.close())
  await Promise.all(processes.splice(0).map((service) => service.kill()))
  await rm(folder, { recursive: true, force: true })
})

async function start(more: Record<string, string> = {}): Promise<ServiceProcess> {
  const service = await startService('standalone', { env: { ...env, ...more } })
  processes.push(service)
  return service
}

async function connect(service: ServiceProcess, userId: string): Promise<ChatUser> {
  const user = await openChatUser({ url: service.url, userId })
  users.push(user)
  return user
}

async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not happen in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Every answer of `/readyz` from now until nothing answers any more. */
async function watchReadiness(service: ServiceProcess): Promise<number[]> {
  const statuses: number[] = []
  try {
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${service.managementPort}/readyz`)
      await answer.arrayBuffer()
      statuses.push(answer.status)
    }
  } catch {
    return statuses
  }
}

/** Sends a question and waits until its answer is being written. */
async function askAndWatch(service: ServiceProcess, userId: string) {
  const user = await connect(service, userId)
  const { session } = await user.open()
  const question = await user.send(session, 'Tell me about yourself')
  await user.waitFor('reply:delta', (delta) => delta.index >= 3)
  return { session, question }
}

/** After a restart: the same session, the question once, and an answer that comes to its end. */
async function expectAnswered(
  service: ServiceProcess,
  userId: string,
  asked: Awaited<ReturnType<typeof askAndWatch>>,
): Promise<void> {
  const user = await connect(service, userId)
  const { session, messages, reply } = await user.open()
  expect(session.id).toBe(asked.session.id)
  expect(messages).toEqual([asked.question])
  expect(reply).toMatchObject({ replyTo: asked.question.id })
  const { message } = await user.waitFor('message:new', () => true, 30_000)
  expect(message).toMatchObject({ replyTo: asked.question.id, seq: 2, status: 'complete' })
}

describe('a standalone process that is given nothing', () => {
  it('says where its page is, makes its keys once and keeps them', async () => {
    const bare = { DATA_DIR: join(folder, 'data') }
    const first = await startService('standalone', { env: bare })
    processes.push(first)
    const keys = await readFile(join(folder, 'data', 'development-keys.json'), 'utf8')
    expect(first.output()).toContain(`chatbox is ready: http://localhost:${first.port}/chatbox/`)
    const link = `http://localhost:${first.port}/chatbox/console/#sign-in=`
    expect(first.output()).toContain(`the operators' console: ${link}`)
    expect(first.output().match(/development keys/g)).toHaveLength(1)
    for (const key of Object.values(JSON.parse(keys) as Record<string, string>)) {
      expect(first.output()).not.toContain(key)
    }
    await first.stop()
    processes.push(await startService('standalone', { env: bare }))
    expect(await readFile(join(folder, 'data', 'development-keys.json'), 'utf8')).toBe(keys)
  })

  it('reads .env where it runs in development, below what is set', async () => {
    await writeFile(join(folder, '.env'), 'PATH_PREFIX=/helpdesk\nLOG_LEVEL=trace\n')
    const launch = async (more: Record<string, string>) => {
      const service = await startService('standalone', { env: { ...env, ...more }, cwd: folder })
      processes.push(service)
      return service
    }
    expect((await launch({})).output()).toContain('/helpdesk/')
    const set = await launch({ PATH_PREFIX: '/chat', DATA_DIR: join(folder, 'other') })
    expect(set.output()).toContain('/chat/')
  })

  it('serves health on both ports and metrics on one', async () => {
    const service = await start()
    const management = `http://127.0.0.1:${service.managementPort}`
    for (const base of [service.url, `${service.url}/chatbox`, management]) {
      expect((await fetch(`${base}/healthz`)).status).toBe(200)
      expect(await (await fetch(`${base}/readyz`)).json()).toMatchObject({
        ready: true,
        checks: { store: 'ok', queue: 'ok' },
      })
    }
    expect((await fetch(`${management}/metrics`)).status).toBe(200)
    expect((await fetch(`${service.url}/metrics`)).status).toBe(404)
  })
})

describe('a signal to stop', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s drains and ends with 0', async (signal) => {
    const service = await start()
    const names = Array.from({ length: SOME_USERS }, (_, i) => `user-${i}`)
    const connected = await Promise.all(names.map((name) => connect(service, name)))
    const statuses = watchReadiness(service)
    await connected[0]?.open()
    service.signal(signal)
    expect([...new Set(await statuses)]).toEqual([200, 503])
    expect(await service.exited).toEqual({ code: 0, signal: null })
    for (const user of connected) {
      await user.waitFor('server:draining')
      await user.waitForClose()
    }
    expect(service.output()).toContain('ended')
  })

  it('a second one ends the process at once', async () => {
    const service = await start()
    const names = Array.from({ length: SOME_USERS }, (_, i) => `user-${i}`)
    await Promise.all(names.map((name) => connect(service, name)))
    service.signal('SIGTERM')
    await until(() => service.output().includes('draining'))
    service.signal('SIGTERM')
    expect(await service.exited).toEqual({ code: 128 + 15, signal: null })
    expect(service.output()).not.toContain('ended')
  })

  it('hands a reply that is being written over to the next process', async () => {
    const service = await start()
    const asked = await askAndWatch(service, 'anna')
    const startedAt = performance.now()
    expect(await service.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - startedAt).toBeLessThan(5000)
    await expectAnswered(await start(), 'anna', asked)
  })
})

describe('a crash', () => {
  it('loses nothing when it is kill -9 in the middle of a reply', async () => {
    const service = await start()
    const asked = await askAndWatch(service, 'berta')
    await service.kill()
    await expectAnswered(await start(), 'berta', asked)
  })

  it.each([
    ['an exception', 'throw new Error("nobody expects it")'],
    ['a rejection', 'void Promise.reject(new Error("nobody expects it"))'],
  ])('by %s that nothing handles ends the process with a fatal line', async (_, fault) => {
    const code = `process.once("SIGUSR2",()=>{${fault}})`
    const service = await start({
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    })
    service.signal('SIGUSR2')
    expect(await service.exited).toEqual({ code: 1, signal: null })
    expect(service.output()).toMatch(/FATAL .*nobody expects it[^]*\n {8}at /)
  })
})

describe('a process that cannot start', () => {
  async function expectOneReason(more: Record<string, string>, reason: RegExp): Promise<void> {
    const service = await launchService('standalone', {
      env: { ...env, LOG_LEVEL: 'fatal', ...more },
    })
    processes.push(service)
    expect(await service.exited).toEqual({ code: 1, signal: null })
    const lines = service.output().trim().split('\n')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(reason)
  }

  it('names the port that is taken', async () => {
    const service = await start()
    const port = String(service.port)
    const managementPort = String(service.managementPort)
    const DATA_DIR = join(folder, 'other')
    await expectOneReason({ DATA_DIR, PORT: port }, new RegExp(`: PORT ${port} is taken`))
    await expectOneReason(
      { DATA_DIR, MANAGEMENT_PORT: managementPort },
      new RegExp(`: MANAGEMENT_PORT ${managementPort} is taken`),
    )
  })

  it('names the data folder that is none', async () => {
    const path = join(folder, 'file')
    await writeFile(path, '')
    await expectOneReason({ DATA_DIR: join(path, 'data') }, /: DATA_DIR cannot be used: .*ENOTDIR/)
  })

  it('names the data folder whose store is damaged', async () => {
    await (await start()).stop()
    const data = join(folder, 'data')
    const files = (await readdir(data)).filter((name) => /\.(db|sqlite)/.test(name))
    expect(files).not.toEqual([])
    for (const name of files) await writeFile(join(data, name), 'not a store '.repeat(1000))
    await expectOneReason({}, /: DATA_DIR: .*not a database/)
  })
})
