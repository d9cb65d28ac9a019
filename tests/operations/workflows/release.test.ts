import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describeUnless } from '../../support/describe-unless.ts'
import { buildTool } from './build-tool.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const RELEASED = ['package.json', 'docker/Dockerfile', 'helm/chatbox', 'scripts/release']
const DIGEST = `sha256:${'a'.repeat(64)}`
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  version: string
}

interface Ended {
  code: number | null
  stdout: string
  stderr: string
}

let folder: string

/** Runs a command in a copy of what a release reads. */
function run(command: string, args: string[], { env = {}, input = '' } = {}): Ended {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    input,
  })
  return { code: status, stdout, stderr }
}

const release = (args: string[], options?: { env?: Record<string, string>; input?: string }) =>
  run(process.execPath, ['scripts/release/main.ts', ...args], options)

const check = (tag: string, digest = DIGEST) =>
  release(['check', tag], { env: { NODE_DIGEST: digest } })

async function change(file: string, found: string | RegExp, replaced: string): Promise<void> {
  const path = join(folder, file)
  const before = await readFile(path, 'utf8')
  expect(before).toMatch(found)
  await writeFile(path, before.replace(found, replaced))
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'chatbox-release-'))
  for (const path of RELEASED) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await cp(join(ROOT, path), join(folder, path), { recursive: true })
  }
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
})

afterEach(() => rm(folder, { recursive: true }))

describe('what may be released', () => {
  it('is the version that tag, manifest and chart agree on', () => {
    const { code, stdout, stderr } = check(`v${version}`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trim().split('\n')).toEqual([
      `VERSION=${version}`,
      'IMAGE=ghcr.io/chatbox/chatbox',
      expect.stringMatching(/^NODE_IMAGE=node:\d+\.\d+\.\d+-\S+$/),
      `NODE_DIGEST=${DIGEST}`,
    ])
  })

  it.each(['v99.0.0', version, `v${version}+build`, 'v1.2', 'latest', '$(id)'])(
    'is no tag such as %s',
    (tag) => {
      const { code, stdout, stderr } = check(tag)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^The tag .*[.]\n$/)
    },
  )

  it('names the manifest that says otherwise', async () => {
    await change('package.json', `"version": "${version}"`, '"version": "9.9.9"')
    expect(check(`v${version}`).stderr).toBe(
      `The tag v${version} and package.json, which says "9.9.9", do not agree.\n`,
    )
  })

  it('names the chart that says otherwise', async () => {
    await change('helm/chatbox/Chart.yaml', /^appVersion: .*$/m, 'appVersion: 9.9.9')
    expect(check(`v${version}`).stderr).toBe(
      `The tag v${version} and the chart's appVersion "9.9.9" do not agree.\n`,
    )
  })

  it('needs the digest of the base image', async () => {
    await change('docker/Dockerfile', /^ARG NODE_DIGEST=.*$/m, 'ARG NODE_DIGEST=')
    const { code, stderr } = check(`v${version}`, '')
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^The digest of the base image node:\S+ [(]NODE_DIGEST[)] is empty[.]\n$/,
    )
  })

  it('takes the digest that the Dockerfile holds', async () => {
    const own = `sha256:${'b'.repeat(64)}`
    await change('docker/Dockerfile', /^ARG NODE_DIGEST=.*$/m, `ARG NODE_DIGEST=${own}`)
    expect(check(`v${version}`, '').stdout).toContain(`NODE_DIGEST=${own}\n`)
  })

  it('takes no other text for a digest', () => {
    expect(check(`v${version}`, 'sha256:abc').stderr).toMatch(/is not sha256: and 64/)
  })

  it.each(['node', 'node:latest', 'node:lts-slim'])('is not built on %s', async (image) => {
    await change('docker/Dockerfile', /^ARG NODE_IMAGE=.*$/m, `ARG NODE_IMAGE=${image}`)
    expect(check(`v${version}`).stderr).toContain(`The base image "${image}" has no exact tag`)
  })

  it('is asked for by name', () => {
    expect(release(['chek']).stderr).toBe(
      '"chek" is no command: check, stamp, check-images, sbom.\n',
    )
    expect(release(['check']).stderr).toBe('The command check needs its argument.\n')
  })
})

describe("the chart's image", () => {
  const values = () => readFile(join(folder, 'helm/chatbox/values.yaml'), 'utf8')
  const manifest = (image: string) =>
    `kind: Pod\nspec:\n  initContainers:\n    - image: ${image}\n---\nkind: Service\n`

  it('gets its digest, and nothing else changes', async () => {
    const before = await values()
    expect(release(['stamp', DIGEST]).code).toBe(0)
    const after = await values()
    expect(after).not.toBe(before)
    expect(after.replace(`digest: '${DIGEST}'`, "digest: ''")).toBe(before)
  })

  it('gets it once', () => {
    release(['stamp', DIGEST])
    expect(release(['stamp', DIGEST]).stderr).toBe(
      "The chart's image.digest is not empty before a release.\n",
    )
  })

  it.each(['', 'sha256:', `${DIGEST}0`, 'latest'])(
    'gets no digest such as "%s"',
    async (digest) => {
      const before = await values()
      expect(release(['stamp', digest]).code).toBe(1)
      expect(await values()).toBe(before)
    },
  )

  it.each([
    [`ghcr.io/chatbox/chatbox:1.0.0@${DIGEST}`, ''],
    ['redis:8.2.1-alpine', 'The chart renders the image redis:8.2.1-alpine without a digest.\n'],
    ['ghcr.io/chatbox/chatbox:latest', /without a digest/],
    [
      `ghcr.io/chatbox/chatbox:1.0.0@sha256:${'b'.repeat(64)}`,
      /does not render .* with the digest/,
    ],
    [`redis:8.2.1-alpine@${DIGEST}`, /does not render ghcr.io.chatbox.chatbox with the digest/],
  ])('is looked for in what the chart renders: %s', (image, complaint) => {
    const { code, stderr } = release(['check-images', DIGEST], { input: manifest(image) })
    expect(stderr).toMatch(complaint)
    expect(code).toBe(complaint === '' ? 0 : 1)
  })
})

const helm = buildTool('helm')

describeUnless(helm.missing)('the package of the chart', () => {
  /** Node's own folder and Helm's, before the rest. */
  const PATH = [dirname(process.execPath), helm.folder, process.env.PATH].join(':')
  const pack = (digest: string) =>
    run('bash', ['scripts/release/package-chart.sh', digest, 'dist'], { env: { PATH } })
  const archive = `dist/chatbox-${version}.tgz`

  it('holds the digest', () => {
    expect(pack(DIGEST)).toMatchObject({ code: 0, stderr: '' })
    const { stdout } = run('tar', ['-x', '--to-stdout', '--file', archive, 'chatbox/values.yaml'])
    expect(stdout).toContain(`digest: '${DIGEST}'`)
  })

  it('is not made of a chart that lets an image go without one', async () => {
    await writeFile(
      join(folder, 'helm/chatbox/templates/loose.yaml'),
      'kind: Pod\napiVersion: v1\nspec: { containers: [{ name: a, image: redis:8.2.1 }] }\n',
    )
    const { code, stderr } = pack(DIGEST)
    expect(code).toBe(1)
    expect(stderr).toContain('The chart renders the image redis:8.2.1 without a digest.')
    expect(existsSync(join(folder, archive))).toBe(false)
  })
})

describe('publishing the chart', () => {
  const publish = () =>
    run('bash', ['scripts/release/publish-chart.sh', 'ghcr.io/chatbox/charts', 'dist'], {
      env: { PATH: `${join(folder, 'bin')}:${process.env.PATH ?? ''}` },
    })

  /** Stand-ins for helm and cosign, which note what they are asked. */
  async function standIn(name: string, script: string): Promise<void> {
    const file = join(folder, 'bin', name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, `#!/bin/bash\necho "${name} $*" >> asked\n${script}\n`)
    await chmod(file, 0o755)
  }
  const asked = () => readFile(join(folder, 'asked'), 'utf8').catch(() => '')

  beforeEach(async () => {
    await mkdir(join(folder, 'dist'))
    await writeFile(join(folder, 'dist/chatbox-1.2.3-rc.1.tgz'), '')
    await standIn('cosign', '')
    await standIn('helm', `echo Pushed: x >&2; echo Digest: ${DIGEST} >&2`)
  })

  it('signs what the registry took', async () => {
    expect(publish()).toMatchObject({ code: 0 })
    expect(await asked()).toBe(
      'helm push dist/chatbox-1.2.3-rc.1.tgz oci://ghcr.io/chatbox/charts\n' +
        `cosign sign --yes ghcr.io/chatbox/charts/chatbox@${DIGEST}\n`,
    )
  })

  it.each([
    ['a registry that refuses', 'echo denied >&2; exit 1', 'denied\n'],
    ['no digest', 'echo Pushed: x', 'helm named no digest for what it pushed.\n'],
  ])('signs nothing after %s', async (_, script, complaint) => {
    await standIn('helm', script)
    expect(publish()).toMatchObject({ code: 1, stderr: complaint })
    expect(await asked()).not.toContain('cosign')
  })

  it('takes one chart, no more and no fewer', async () => {
    await rm(join(folder, 'dist/chatbox-1.2.3-rc.1.tgz'))
    expect(publish()).toMatchObject({
      code: 1,
      stderr: 'There is not exactly one chart in dist.\n',
    })
    for (const name of ['a', 'b']) await writeFile(join(folder, `dist/${name}-1.0.0.tgz`), '')
    expect(publish()).toMatchObject({ code: 1 })
    expect(await asked()).toBe('')
  })
})
