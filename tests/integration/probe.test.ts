import { createServer } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { startBalancer } from '../environment/servers/balancer.ts'
import { listen } from '../environment/servers/ports.ts'
import { runEntry, startService, type EndedProcess } from '../environment/servers/processes.ts'
import { startTcpProxy } from '../environment/servers/tcp-proxy.ts'
import { openChatUser } from '../support/chat-user.ts'
import { describeWithCluster } from '../support/describe-with-cluster.ts'
import { sendStatus, type Answer } from '../environment/model-server.ts'
import { encodeEvents, WIRES } from '../environment/model-wire.ts'
import { startTestCluster, type TestCluster } from '../environment/cluster.ts'
import { signToken, TEST_SECRET } from '../environment/tokens.ts'

// Real processes start, die and are waited for.
jest.setTimeout(60_000)

type Env = Record<string, string>

const ORIGIN = 'https://shop.example'
const PIECES = ['It ', 'works.']
const EVENTS = WIRES.openai.events({ pieces: PIECES, usage: { prompt: 1, completion: 2 } })

const HEAD = { 'content-type': 'text/event-stream' }
const answerWhole: Answer = ({ response }) => {
  response.writeHead(200, HEAD).end(encodeEvents(EVENTS))
}
/** The first words, and then nothing more. */
const beginOnly: Answer = ({ response }) => {
  response.writeHead(200, HEAD).write(encodeEvents(EVENTS.slice(0, 2)))
}

/** One line that begins with the part, as a person on call reads it. */
function broken(code: number, sentence: RegExp): EndedProcess {
  return { code, stdout: '', stderr: expect.stringMatching(sentence) as unknown as string }
}

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

let cluster: TestCluster
async function openCluster(): Promise<void> {
  cluster = await startTestCluster({ MAX_CONNECTIONS_PER_USER: '2' })
  cluster.models.answer(answerWhole)
}

const url = () => cluster.gateways[0]?.url ?? ''
const page = () => `${url()}/chatbox`

/** As a user of the site; `env` says otherwise. Nothing that it prints may hold what it was given. */
async function probe(args: string[], env: Env = {}): Promise<EndedProcess> {
  const given: Env = { JWT_SECRET: TEST_SECRET, PROBE_ORIGIN: ORIGIN, ...env }
  const ended = await runEntry('probe', given, args)
  const said = `${ended.stdout}${ended.stderr}`
  expect(said).not.toContain(TEST_SECRET)
  if (given.PROBE_TOKEN) expect(said).not.toContain(given.PROBE_TOKEN)
  expect(said.trimEnd().split('\n')).toHaveLength(args.includes('--verbose') ? 11 : 1)
  return ended
}

async function startGateway(settings: Record<string, string>): Promise<string> {
  const gateway = await startService('gateway', { env: { ...cluster.env, ...settings } })
  closers.push(() => gateway.stop())
  return `${gateway.url}/chatbox`
}

describeWithCluster('the probe of a cluster that works', () => {
  beforeAll(openCluster, 90_000)
  afterAll(() => cluster.stop(), 60_000)

  it('says in a line how long the answer took', async () => {
    expect(await probe([page()])).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^ok: answered in \d+ ms\n$/),
      stderr: '',
    })
  })

  it('tells each step with its milliseconds', async () => {
    const { code, stdout } = await probe(['--verbose', `${page()}/`])
    expect(code).toBe(0)
    const steps = stdout.split('\n').map((line) => /^(.*?) +\d+ ms$/.exec(line)?.[1])
    expect(steps.slice(0, 10)).toEqual(
      ['ready', 'origin', 'token', 'socket', 'open', 'question', 'first text', 'answer'].concat([
        'log',
        'end',
      ]),
    )
  })

  it('goes through a proxy, from one gateway to the other', async () => {
    const proxy = await startBalancer(cluster.gateways.map((gateway) => gateway.port))
    closers.push(() => proxy.close())
    expect(await probe([`${proxy.url}/chatbox`])).toMatchObject({ code: 0, stderr: '' })
  })

  it('leaves no session behind, and asks no model where it stops at the socket', async () => {
    const asked = cluster.models.requests.length
    const token = await signToken({ sub: 'watched' })
    const env = { PROBE_TOKEN: token }
    expect(await probe(['--until', 'socket', page()], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok: connected in \d+ ms\n$/),
    })
    expect(cluster.models.requests).toHaveLength(asked)
    expect(await probe(['--until', 'ack', page()], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^ok: acknowledged in \d+ ms\n$/),
    })
    const answer = await fetch(`${page()}/api/sessions`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await answer.json()).toMatchObject({ items: [{ status: 'ended', userId: 'watched' }] })
  })

  it('is a visitor where they are let in, and a user with the claims asked for elsewhere', async () => {
    const open = await startGateway({ ALLOW_VISITORS: 'true' })
    expect(await probe([open], { JWT_SECRET: '' })).toMatchObject({ code: 0 })
    const issuer = { JWT_ISSUER: 'the-site', JWT_AUDIENCE: 'chatbox' }
    const strict = await startGateway(issuer)
    expect(await probe([strict], issuer)).toMatchObject({ code: 0 })
    expect(await probe([strict])).toEqual(broken(20, /^probe: token: the gateway refuses/))
  })

  it('tries again to reach a gateway that is not there yet, if told to', async () => {
    const link = await startTcpProxy({ port: cluster.gateways[0]?.port ?? 0 })
    closers.push(() => link.close())
    await link.cut('reset')
    const address = `http://127.0.0.1:${link.port}/chatbox`
    expect(await probe([address])).toEqual(broken(10, /^probe: unreachable: http/))
    const before = link.accepted()
    const ending = probe(['--retry', address])
    while (link.accepted() < before + 2) await new Promise((resolve) => setTimeout(resolve, 5))
    await link.restore()
    expect(await ending).toMatchObject({ code: 0, stderr: '' })
  })

  describe('names', () => {
    it('a wrong token, an expired one and none', async () => {
      const wrong = await signToken({ sub: 'u' }, 'another-secret')
      const refused = broken(20, /^probe: token: the gateway refuses the token/)
      expect(await probe([page()], { PROBE_TOKEN: wrong })).toEqual(refused)
      expect(await probe([page()], { JWT_SECRET: 'another-secret' })).toEqual(refused)
      const expired = await signToken({ sub: 'u', exp: Math.floor(Date.now() / 1000) - 60 })
      expect(await probe([page()], { PROBE_TOKEN: expired })).toEqual(
        broken(20, /^probe: token: the token has expired/),
      )
      expect(await probe([page()], { JWT_SECRET: '' })).toEqual(
        broken(20, /^probe: token: visitors are not let in .* neither PROBE_TOKEN nor JWT_SECRET/),
      )
    })

    it('a wrong token also where visitors would be let in', async () => {
      const open = await startGateway({ ALLOW_VISITORS: 'true' })
      expect(await probe([open], { PROBE_TOKEN: 'wrong' })).toMatchObject({ code: 20 })
    })

    it('an origin that is not allowed', async () => {
      expect(await probe([page()], { PROBE_ORIGIN: 'https://elsewhere.example' })).toEqual(
        broken(21, /^probe: origin: pages of https:\/\/elsewhere.example may not connect/),
      )
    })

    it('a wrong path', async () => {
      expect(await probe([`${url()}/chat`])).toEqual(
        broken(11, /^probe: address: no chatbox is at the address \(HTTP 404\)/),
      )
    })

    it('a proxy without a gateway', async () => {
      const proxy = await listen(createServer((_, response) => response.writeHead(502).end()))
      closers.push(() => proxy.close())
      expect(await probe([`http://127.0.0.1:${proxy.port}/chatbox`])).toEqual(
        broken(10, /^probe: unreachable: a proxy answers with HTTP 502/),
      )
    })

    it('a limit of connections', async () => {
      const token = await signToken({ sub: 'busy' })
      const users = [await openChatUser({ url: url(), token })]
      users.push(await openChatUser({ url: url(), token }))
      closers.push(async () => users.forEach((user) => user.close()))
      expect(await probe([page()], { PROBE_TOKEN: token })).toEqual(
        broken(22, /^probe: socket: the gateway refuses the connection: CONNECTION_LIMIT/),
      )
    })

    it('a model that refuses, with its error code', async () => {
      cluster.models.answer(sendStatus(401))
      try {
        expect(await probe([page()])).toEqual(broken(32, /^probe: model: .*LLM_UNAVAILABLE/))
      } finally {
        cluster.models.answer(answerWhole)
      }
    })

    it('a websocket that fell silent while the answer was written', async () => {
      const link = await startTcpProxy({ port: cluster.gateways[0]?.port ?? 0 })
      closers.push(() => link.close())
      cluster.models.answer((exchange) => {
        link.freeze()
        return answerWhole(exchange)
      })
      try {
        const address = `http://127.0.0.1:${link.port}/chatbox`
        expect(await probe(['--within', '6s', address])).toEqual(
          broken(34, /^probe: live: the answer is in the log/),
        )
      } finally {
        cluster.models.answer(answerWhole)
      }
    })
  })
})

// Each of these takes something more away from the cluster.
describeWithCluster('the probe of a cluster that loses its parts', () => {
  beforeAll(openCluster, 90_000)
  afterAll(() => cluster.stop(), 60_000)

  /** Runs the probe, and `lose` once the first words of its answer are seen. */
  async function probeUntilWords(
    args: string[],
    lose: () => Promise<unknown>,
  ): Promise<EndedProcess> {
    const token = await signToken({ sub: 'watched' })
    const viewer = await openChatUser({ url: url(), token })
    await viewer.open()
    const ending = probe(args, { PROBE_TOKEN: token })
    await viewer.waitFor('reply:delta')
    viewer.close()
    await lose()
    return await ending
  }

  it('is content where a worker dies in the middle and another one goes on', async () => {
    cluster.models.answer(beginOnly, answerWhole)
    const ended = await probeUntilWords([page()], async () => {
      await Promise.all(cluster.workers.map((worker) => worker.kill()))
      await cluster.add('worker')
    })
    expect(ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('names a worker that dies in the middle with no other to go on', async () => {
    cluster.models.answer(beginOnly)
    const ended = await probeUntilWords(['--within', '10s', page()], () =>
      Promise.all(cluster.workers.map((worker) => worker.kill())),
    )
    expect(ended).toEqual(broken(33, /^probe: reply: the answer stopped \d+ s ago after 3 char/))
  })

  it('names that there is no worker', async () => {
    expect(await probe(['--within', '5s', page()])).toEqual(
      broken(31, /^probe: worker: the question was acknowledged and no worker began/),
    )
  })

  it('names Redis, and is content once it is back', async () => {
    await cluster.redis.kill()
    await untilReadyIs(503)
    expect(await probe([page()])).toEqual(
      broken(12, /^probe: redis: the gateway cannot use Redis: redis failed, queue failed/),
    )
    await cluster.redis.restart()
    await untilReadyIs(200)
    expect(await probe(['--until', 'ack', page()])).toMatchObject({ code: 0 })
  })

  it('names the store', async () => {
    await cluster.mongo.stop()
    await untilReadyIs(503)
    expect(await probe([page()])).toEqual(
      broken(13, /^probe: store: the gateway cannot use the store: store failed/),
    )
  })

  it('names that nothing is there', async () => {
    await Promise.all(cluster.gateways.map((gateway) => gateway.kill()))
    expect(await probe([page()])).toEqual(
      broken(10, /^probe: unreachable: http.* cannot be reached: connect ECONNREFUSED/),
    )
  })
})

/** A gateway asks its back ends once a second at most: what it says may be a second old. */
async function untilReadyIs(status: 200 | 503): Promise<void> {
  while ((await fetch(`${url()}/readyz`)).status !== status) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
