import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createProxyServer, proxyUpgrade } from 'httpxy'
import { startService, type ServiceProcess } from '../environment/servers/processes.ts'
import { runEntry, type EndedProcess } from '../environment/servers/processes.ts'

jest.setTimeout(60_000)

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(listener: RequestListener): Promise<{ server: Server; url: string }> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no TCP port was given')
  return { server, url: `http://127.0.0.1:${address.port}` }
}

const probe = (...args: string[]): Promise<EndedProcess> => runEntry('probe', {}, args)

function broken(code: number, sentence: RegExp): EndedProcess {
  return { code, stdout: '', stderr: expect.stringMatching(sentence) as unknown as string }
}

describe('what the probe is told', () => {
  it.each([
    [[], /the address of the page is missing/],
    [['localhost:8080/chatbox'], /has to begin with http/],
    [['http://a.example', 'http://b.example'], /one address/],
    [['http://user:marker@a.example/chatbox'], /takes no user, no password/],
    [['http://a.example/chatbox?token=marker'], /nothing after its path/],
    [['--within', '30', 'http://a.example'], /--within takes a duration/],
    [['--within', '999ms', 'http://a.example'], /--within takes a duration/],
    [['--until', 'marker', 'http://a.example'], /--until takes one of socket, ack, answer/],
    [['--quiet', 'http://a.example'], /Unknown option '--quiet'/],
    [['--ready', 'http://a.example'], /--ready stands alone/],
  ])('is refused in a sentence: %j', async (args, sentence) => {
    const { code, stdout, stderr } = await probe(...args)
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^probe: usage: [^\n]+; see --help\n$/)
    expect(stderr).toMatch(sentence)
    expect(stderr).not.toContain('marker')
  })

  it('is explained by --help, with every exit code', async () => {
    const { code, stdout } = await probe('--help')
    expect(code).toBe(0)
    for (const word of ['--ready', '--within', '--until', '--retry', 'PROBE_TOKEN', '35  log']) {
      expect(stdout).toContain(word)
    }
  })
})

describe('what answers at the address', () => {
  it.each([
    [503, '{"ready":false,"checks":{"store":"ok","redis":"failed"}}', 12, /redis failed$/m],
    [503, '{"ready":false,"checks":{"store":"failed","queue":"ok"}}', 13, /store failed$/m],
    [503, '{"ready":false,"checks":{"store":"failed","queue":"failed"}}', 12, /Redis or the store/],
    [503, '{"ready":false,"checks":{"process":"draining"}}', 14, /process draining$/m],
    [503, '<html>no server is available</html>', 10, /a proxy answers with HTTP 503/],
    [200, '<html>a shop</html>', 11, /no chatbox is at the address \(HTTP 200\)/],
    [404, '{"error":"not found"}', 11, /HTTP 404/],
    [301, '', 11, /it leads elsewhere/],
    [200, 'x'.repeat(5 * 1024 ** 2), 10, /more than \d+ bytes/],
  ])('HTTP %i %.60s: exit code %i', async (...[status, body, code, sentence]) => {
    const { url } = await serve((_, response) => response.writeHead(status).end(body))
    expect(await probe(`${url}/chatbox`)).toEqual(broken(code, sentence))
  })

  it('nothing that ever ends: the bound does', async () => {
    const { url } = await serve(() => undefined)
    const startedAt = performance.now()
    const ended = await probe('--within', '1s', `${url}/chatbox`)
    expect(ended).toEqual(broken(10, /cannot be reached: no answer in time/))
    expect(performance.now() - startedAt).toBeLessThan(5000)
  })
})

describe('a standalone process', () => {
  let folder = ''
  let service: ServiceProcess
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chatbox-probe-'))
    service = await startService('standalone', {
      env: { DATA_DIR: folder, HOST: '127.0.0.1' },
    })
  })
  afterAll(async () => {
    await service.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('lets its own page in, and answers', async () => {
    expect(await probe(`${service.url}/chatbox`)).toMatchObject({ code: 0, stderr: '' })
  })

  it('is ready by its management port, for which next to nothing is loaded', async () => {
    const loaded = `data:text/javascript,import{registerHooks}from'node:module';registerHooks({load(u,c,n){if(u.startsWith('file:'))process.stderr.write(u+'\\n');return(n(u,c))}})`
    const env = {
      MANAGEMENT_PORT: String(service.managementPort),
      NODE_OPTIONS: `--import=${loaded}`,
    }
    const { code, stdout, stderr } = await runEntry('probe', env, ['--ready'])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const files = stderr.trim().split('\n')
    expect(files.map((file) => file.replace(/^.*\/services\//, '')).sort()).toEqual([
      'probe/src/finding.ts',
      'probe/src/main.ts',
      'probe/src/own-readiness.ts',
      'probe/src/parse-arguments.ts',
    ])
  })

  /** The same process behind a proxy that changes what `path` answers, or passes no websocket. */
  async function startLiar(path: RegExp, lie: (body: string) => string): Promise<string> {
    const proxy = createProxyServer({})
    const { server, url } = await serve((request, response) => {
      if (!path.test(request.url ?? '')) {
        void proxy.web(request, response, { target: service.url })
        return
      }
      const { authorization = '' } = request.headers
      void fetch(`${service.url}${request.url ?? ''}`, { headers: { authorization } })
        .then((answer) => answer.text())
        .then((body) => response.end(lie(body)))
    })
    server.on('upgrade', (request, socket, head) => {
      if (path.test(request.url ?? '')) socket.end('HTTP/1.1 404 Not Found\r\n\r\n')
      else if (socket instanceof Socket) {
        proxyUpgrade(service.url, request, socket, head, {}).catch(() => socket.destroy())
      }
    })
    return `${url}/chatbox`
  }

  const runBehind = async (address: string) =>
    await runEntry('probe', { PROBE_ORIGIN: `http://localhost:${service.port}` }, [address])

  it('is found out where its log does not hold the answer', async () => {
    const emptied = await startLiar(/messages/, () => '{"messages":[],"hasMore":false}')
    expect(await runBehind(emptied)).toEqual(broken(35, /the question is not in the log/))
    const changed = await startLiar(/messages/, (body) =>
      body.replace(/("content":")(?!probe)/g, '$1not '),
    )
    expect(await runBehind(changed)).toEqual(broken(35, /the answer is another one in the log/))
    const broke = await startLiar(/messages/, () => 'no')
    expect(await runBehind(broke)).toEqual(broken(35, /the log cannot be read: HTTP 200/))
  })

  it('is found out where its proxy does not pass the websocket', async () => {
    const deaf = await startLiar(/socket[.]io/, (body) => body)
    expect(await runBehind(deaf)).toEqual(
      broken(
        22,
        /^probe: socket: the websocket does not come up \(Unexpected server response: 404\)/,
      ),
    )
  })

  it('says by name what is not ready', async () => {
    const { url } = await serve((_, response) =>
      response.writeHead(503).end('{"ready":false,"checks":{"store":"failed","queue":"ok"}}'),
    )
    const env = { MANAGEMENT_PORT: new URL(url).port }
    expect(await runEntry('probe', env, ['--ready'])).toEqual(
      broken(1, /^probe: not ready: store failed\n$/),
    )
    expect(await runEntry('probe', { MANAGEMENT_PORT: 'x' }, ['--ready'])).toEqual(
      broken(1, /^probe: not ready: MANAGEMENT_PORT is no port\n$/),
    )
  })
})
