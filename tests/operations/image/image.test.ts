import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { execFileSync } from 'node:child_process'
import { appendFile, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGzip } from 'node:zlib'
import { spawn } from 'node:child_process'
import { describeUnless } from '../../support/describe-unless.ts'
import { waitUntil } from '../../environment/wait-until.ts'
import { buildImage, docker, findDocker, IMAGE, tryDocker } from '../support/docker.ts'

const path = findDocker()
const describe = describeUnless(path === undefined ? 'no Docker Engine answers' : undefined)

const HARDENED = [
  ...['--read-only', '--tmpfs', '/tmp', '--tmpfs', '/data:uid=10001'],
  ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--memory', '512m'],
]
const MAX_COMPRESSED_BYTES = 100_000_000
const BUILD_TIMEOUT_MS = 10 * 60_000

describe('the image', () => {
  const run = (...args: string[]) => docker(path ?? '', ...args)
  const attempt = (...args: string[]) => tryDocker(path ?? '', ...args)
  const started: string[] = []

  /** A container in the background, which the suite removes. */
  function start(...args: string[]): string {
    const id = run('run', '--detach', ...HARDENED, ...args).trim()
    started.push(id)
    return id
  }

  beforeAll(async () => {
    await buildImage(path ?? '')
  }, BUILD_TIMEOUT_MS)

  afterAll(() => {
    for (const id of started) attempt('rm', '--force', '--volumes', id)
  })

  it('is at most 100 MB to fetch', async () => {
    expect(await compressedBytes(path ?? '')).toBeLessThan(MAX_COMPRESSED_BYTES)
  }, 120_000)

  it('holds no shell, no package manager, no types, no tests and no sources', () => {
    const id = run('create', IMAGE).trim()
    started.push(id)
    const files = execFileSync('sh', ['-c', `"${path}" export ${id} | tar -t`], {
      encoding: 'utf8',
      maxBuffer: 64 << 20,
    }).split('\n')
    expect(files).toContain('app/services/gateway/dist/main.js')
    expect(files.filter((file) => /^(usr\/)?s?bin\/.*(sh|npm|apt|busybox)$/.test(file))).toEqual([])
    // The pages' own source maps are for those who look at them in a browser.
    const served = /^app\/web\/(chat|console)\/dist\//
    expect(
      files.filter((file) => /\.(tsx?|mts|cts|map|env)$/.test(file) && !served.test(file)),
    ).toEqual([])
    expect(
      files.filter((file) => /node_modules\/(typescript|vite|jest|knip)\//.test(file)),
    ).toEqual([])
  }, 60_000)

  it('runs as 10001 with a read-only root, is healthy by its own check, and ends with 0 on SIGTERM', async () => {
    const id = start('--env', 'NODE_ENV=development', '--health-interval', '1s', IMAGE)
    await waitUntil(
      () => run('inspect', '--format', '{{.State.Health.Status}}', id).trim() === 'healthy',
      20_000,
    )
    expect(
      run(
        'exec',
        id,
        '/usr/local/bin/node',
        '-p',
        'process.getuid() + ":" + process.getgid()',
      ).trim(),
    ).toBe('10001:10001')
    const write = attempt('exec', id, '/usr/local/bin/node', '-e', 'fs.writeFileSync("/app/x", "")')
    expect(write.stderr).toContain('EROFS')
    run('stop', '--time', '30', id)
    expect(run('inspect', '--format', '{{.State.ExitCode}}', id).trim()).toBe('0')
  }, 60_000)

  it('is ready soon after docker run', async () => {
    const startedAt = performance.now()
    const settings = ['--env', 'NODE_ENV=development', '--env', 'MANAGEMENT_HOST=0.0.0.0']
    const id = start(...settings, '--publish', '127.0.0.1::9090', IMAGE)
    const [address = ''] = run('port', id, '9090/tcp').split('\n')
    const isReady = async () =>
      (await fetch(`http://${address}/readyz`).catch(() => undefined))?.status === 200
    await waitUntil(isReady, 20_000)
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(2)
    process.stdout.write(`docker run to ready: ${seconds} s\n`)
  }, 60_000)

  it('asks for every secret in production, by name', () => {
    const { status, stderr } = attempt('run', '--rm', ...HARDENED, IMAGE, 'standalone')
    expect(status).toBe(78)
    expect(stderr).toContain('JWT_SECRET')
    expect(stderr).toContain('ENCRYPTION_KEYS')
  }, 30_000)

  it('names its commands when it is given another, and its version', () => {
    const unknown = attempt('run', '--rm', IMAGE, 'server')
    expect(unknown.status).toBe(64)
    expect(unknown.stderr).toBe(
      'chatbox: server is no command; there are gateway, worker, standalone, migrate, probe, audit\n',
    )
    expect(run('run', '--rm', IMAGE, '--version').trim()).toBe(IMAGE.split(':')[1])
  }, 30_000)

  it('carries the labels of the Open Container Initiative', () => {
    const labels = JSON.parse(
      run('inspect', '--format', '{{json .Config.Labels}}', IMAGE),
    ) as Record<string, string>
    expect(Object.keys(labels).toSorted()).toEqual(
      ['created', 'description', 'revision', 'title', 'version'].map(
        (name) => `org.opencontainers.image.${name}`,
      ),
    )
  })

  it(
    'has one layer that a change of the code makes anew, and it is small',
    async () => {
      const context = await copyCheckout()
      try {
        await appendFile(
          join(context, 'services/worker/src/start.ts'),
          '\nexport const CHANGED = 1\n',
        )
        const tag = await buildImage(path ?? '', { context, tag: 'chatbox-image-test:changed' })
        const [before, after] = [layers(run, IMAGE), layers(run, tag)]
        expect(after).toHaveLength(before.length)
        expect(after.slice(0, -1)).toEqual(before.slice(0, -1))
        expect(after.at(-1)).not.toBe(before.at(-1))
        const [product] = run(
          'history',
          '--no-trunc',
          '--human=false',
          '--format',
          '{{.Size}} {{.CreatedBy}}',
          tag,
        )
          .split('\n')
          .filter((line) => line.includes('/product /app'))
        expect(Number(product?.split(' ')[0])).toBeLessThan(2_000_000)
      } finally {
        attempt('rmi', '--force', 'chatbox-image-test:changed')
        await rm(context, { recursive: true })
      }
    },
    BUILD_TIMEOUT_MS,
  )
})

function layers(run: (...args: string[]) => string, image: string): string[] {
  return JSON.parse(run('inspect', '--format', '{{json .RootFS.Layers}}', image)) as string[]
}

/** What enters a build, as the checkout has it now. */
async function copyCheckout(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'chatbox-image-'))
  const root = new URL('../../../', import.meta.url).pathname
  const parts = [
    'package.json',
    'package-lock.json',
    '.npmrc',
    '.dockerignore',
    'tsconfig.base.json',
  ]
  for (const part of [...parts, 'shared', 'services', 'web', 'bench/package.json', 'docker']) {
    await cp(join(root, part), join(folder, part), {
      recursive: true,
      filter: (source) => !/\/(node_modules|dist)$/.test(source),
    })
  }
  return folder
}

/** What a registry would hand out: each layer compressed as `docker push` does. */
async function compressedBytes(dockerPath: string): Promise<number> {
  const save = spawn(dockerPath, ['save', IMAGE], { stdio: ['ignore', 'pipe', 'ignore'] })
  let bytes = 0
  for await (const chunk of save.stdout.pipe(createGzip({ level: 6 }))) {
    bytes += (chunk as Buffer).length
  }
  return bytes
}
