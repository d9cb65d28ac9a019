import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { API, askHttp, readRefusal, type Asked } from '../support/ask-http.ts'
import { useGateway } from '../support/gateway-harness.ts'

const webRoot = mkdtempSync(path.join(tmpdir(), 'chatbox-web-'))
mkdirSync(path.join(webRoot, 'assets'))
writeFileSync(path.join(webRoot, 'index.html'), '<!doctype html><title>chat</title>')
writeFileSync(path.join(webRoot, 'assets', 'main-abc.js'), 'export {}')
writeFileSync(path.join(webRoot, 'favicon.svg'), '<svg/>')
const h = useGateway({ webRoot })

afterAll(() => {
  rmSync(webRoot, { recursive: true, force: true })
})

const ask = (route: string, init: Asked = {}) => askHttp(h, route, init)

describe('a host of its own', () => {
  it('has everything without a folder: the page, its files, the API, the probes and the sockets', async () => {
    const { url } = await h.startOther({ server: { pathPrefix: '' }, webRoot })
    for (const [route, type] of [
      ['/', 'text/html'],
      ['/assets/main-abc.js', 'text/javascript'],
      ['/favicon.svg', 'image/svg+xml'],
      ['/api/openapi.json', 'application/json'],
      ['/healthz', 'application/json'],
    ] as const) {
      const response = await ask(route, { url })
      expect([route, response.status]).toEqual([route, 200])
      expect(response.headers.get('content-type')).toContain(type)
    }
    expect((await ask('/chatbox/', { url })).status).toBe(404)
    expect((await ask('/socket.io/?EIO=4&transport=websocket', { url })).status).toBe(400)
  })
})

describe('the console', () => {
  it('has a folder of its own, to which an address without a slash leads with its query', async () => {
    const { url } = await h.startOther({ webRoot, consoleRoot: webRoot })
    expect((await ask('/chatbox/console/?session=s', { url })).status).toBe(200)
    expect((await ask('/chatbox/console/assets/main-abc.js', { url })).status).toBe(200)
    const bare = await ask('/chatbox/console?session=s', { url, redirect: 'manual' })
    expect([bare.status, bare.headers.get('location')]).toEqual([
      302,
      '/chatbox/console/?session=s',
    ])
    expect((await ask('/chatbox/console/')).status).toBe(404)
  })
})

describe('headers', () => {
  it('keep a page from running, loading or framing anything else', async () => {
    const response = await ask('/chatbox/')
    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none';script-src 'self';style-src 'self';connect-src 'self';img-src 'self' data:;font-src 'self';base-uri 'none';form-action 'none';frame-ancestors 'none';require-trusted-types-for 'script';trusted-types dompurify",
    )
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(response.headers.get('x-frame-options')).toBe('DENY')
    expect(response.headers.get('x-powered-by')).toBeNull()
    expect(response.headers.get('strict-transport-security')).toBeNull()
  })

  it.each(['/chatbox/', '/chatbox/favicon.svg', `${API}/models`, '/healthz', '/nothing'])(
    'take from %s what no page of ours uses, and leave what it does',
    async (route) => {
      const policy = (await ask(route)).headers.get('permissions-policy')?.split(', ')
      expect(policy).toEqual(
        expect.arrayContaining(['camera=()', 'geolocation=()', 'microphone=()', 'payment=()']),
      )
      expect(policy?.every((one) => /^[a-z-]+=\(\)$/u.test(one))).toBe(true)
      // The page copies code.
      expect(policy?.some((one) => one.startsWith('clipboard'))).toBe(false)
    },
  )

  it('name the own socket where the public address is https', async () => {
    const other = await h.startOther({ server: { publicUrl: 'https://chat.example/chatbox' } })
    const response = await ask('/healthz', { url: other.url })
    expect(response.headers.get('content-security-policy')).toContain('wss://chat.example')
  })

  it.each([
    ['off', null],
    ['host', 'max-age=31536000'],
    ['subdomains', 'max-age=31536000; includeSubDomains'],
  ] as const)('ask for https as they are told to: %s', async (hsts, header) => {
    const other = await h.startOther({ server: { publicUrl: 'https://chat.example', hsts } })
    const response = await ask('/healthz', { url: other.url })
    expect(response.headers.get('strict-transport-security')).toBe(header)
  })

  it('name the request: as the caller does, else by an id of our own', async () => {
    const named = await ask('/healthz', { headers: { 'x-request-id': 'abc-123' } })
    expect(named.headers.get('x-request-id')).toBe('abc-123')
    const odd = await ask('/healthz', { headers: { 'x-request-id': 'a b' } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[\w-]{22}$/)
  })

  it('let exactly the allowed origins read, without credentials', async () => {
    const origin = 'https://shop.example'
    const response = await ask(`${API}/models`, { headers: { origin } })
    expect(response.headers.get('access-control-allow-origin')).toBe(origin)
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    expect(response.headers.get('vary')).toContain('Origin')
    const preflight = await ask(`${API}/models`, {
      method: 'OPTIONS',
      token: '',
      headers: { origin },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toContain('Authorization')
  })
})

describe('pages and health', () => {
  it('serves the page fresh and its assets for ever', async () => {
    expect((await ask('/')).headers.get('location')).toBe('/chatbox/')
    expect((await ask('/chatbox')).headers.get('location')).toBe('/chatbox/')
    const page = await ask('/chatbox/')
    expect(await page.text()).toContain('<title>chat</title>')
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.headers.get('cache-control')).toBe('no-cache')
    const asset = await ask('/chatbox/assets/main-abc.js')
    expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect((await ask('/chatbox/favicon.svg')).headers.get('cache-control')).toBe('no-cache')
  })

  it.each([
    '/chatbox/../package.json',
    '/chatbox/%2e%2e/package.json',
    '/chatbox/..%2fpackage.json',
    '/chatbox/assets',
    '/chatbox/none.js',
    '/elsewhere',
  ])('answers %s with a JSON 404', async (route) => {
    const response = await ask(route)
    expect((await readRefusal(response)).code).toMatch(/NOT_FOUND|INVALID_FORMAT/)
    expect(response.status).toBeGreaterThanOrEqual(400)
  })

  it('says that it lives, and what it waits for', async () => {
    const checks = { store: 'ok', redis: 'failed' } as const
    const isReady = () => Promise.resolve({ ready: false, checks, failing: ['redis'] })
    const other = await h.startOther({}, { isReady })
    for (const prefix of ['', '/chatbox']) {
      expect((await ask(`${prefix}/healthz`, { url: other.url, token: '' })).status).toBe(200)
      const ready = await ask(`${prefix}/readyz`, { url: other.url, token: '' })
      expect(ready.status).toBe(503)
      expect(await ready.json()).toEqual({ ready: false, checks })
      expect((await ask(`${prefix}/readyz`)).status).toBe(200)
    }
  })
})
