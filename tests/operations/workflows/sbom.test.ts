import { beforeAll, describe, expect, it } from '@jest/globals'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { writeSbom } from '../../../scripts/release/write-sbom.ts'

interface Component {
  name: string
  version: string
  purl: string
  hashes?: unknown[]
}

interface Sbom {
  bomFormat: string
  specVersion: string
  metadata: { component: Component & { type: string } }
  components: Component[]
}

interface Manifest {
  name: string
  version: string
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const readJson = async <T>(path: string) =>
  JSON.parse(await readFile(join(ROOT, path), 'utf8')) as T
const toPurl = ([name, version]: string[]) => `pkg:npm/${name?.replace('@', '%40')}@${version}`

let sbom: Sbom
let manifests: Manifest[]

beforeAll(async () => {
  sbom = JSON.parse(await writeSbom(ROOT)) as Sbom
  const lock = await readJson<{ packages: Record<string, unknown> }>('package-lock.json')
  const own = Object.keys(lock.packages).filter((path) => /^(?:shared|services|web)\//.test(path))
  manifests = await Promise.all(own.map((path) => readJson<Manifest>(`${path}/package.json`)))
})

describe('the bill of materials', () => {
  it('is one of this product and version', async () => {
    const { version } = await readJson<Manifest>('package.json')
    expect(sbom).toMatchObject({
      bomFormat: 'CycloneDX',
      metadata: { component: { name: 'chatbox', version, type: 'application' } },
    })
    expect(sbom.specVersion).toMatch(/^1[.]\d$/)
  })

  it('holds every package that the product asks for, also where tests ask for it too', () => {
    const wanted = manifests.flatMap(({ name, version, dependencies = {} }) => [
      toPurl([name, version]),
      ...Object.entries(dependencies)
        .filter(([, wanted]) => wanted !== '*')
        .map(toPurl),
    ])
    const held = new Set(sbom.components.map((component) => component.purl))
    expect(wanted.filter((purl) => !held.has(purl))).toEqual([])
    expect(wanted.length).toBeGreaterThan(30)
  })

  it('holds nothing that only builds or tests it', async () => {
    const { devDependencies = {} } = await readJson<Manifest>('package.json')
    const asked = new Set(manifests.flatMap(({ dependencies = {} }) => Object.keys(dependencies)))
    const tools = Object.keys(devDependencies).filter((name) => !asked.has(name))
    expect(tools).toEqual(expect.arrayContaining(['jest', 'typescript', 'eslint']))
    const names = new Set(sbom.components.map((component) => component.purl.split('@')[0]))
    expect(tools.filter((name) => names.has(`pkg:npm/${name}`) && name !== 'yaml')).toEqual([])
  })

  it('says what the registry has to deliver for the platforms of the image', () => {
    const unsure = sbom.components.filter(({ hashes = [] }) => hashes.length === 0)
    const names = unsure.map(({ purl }) => purl.split('@')[0] ?? '')
    // The lock file has no checksums for some packages of other platforms.
    const others = /^pkg:npm\/%40(?:chatbox\/|msgpackr-extract\/\S+-(?:darwin|win32|linux-arm$))/
    expect(names.filter((name) => !others.test(name))).toEqual([])
  })
})
