// What the release pipelines ask, on GitHub as on GitLab:
//
//   node scripts/release/main.ts check v1.2.3            prints VERSION, IMAGE, NODE_IMAGE, NODE_DIGEST
//   node scripts/release/main.ts stamp sha256:...        writes the image's digest into the chart
//   node scripts/release/main.ts check-images sha256:... reads rendered manifests on standard input
//   node scripts/release/main.ts sbom FILE               writes the bill of materials
//
// It runs in the folder of the checkout. A reason not to release is one line on standard error, and
// exit code 1. NODE_DIGEST in the environment is the digest of the base image; where it is empty, the
// one in docker/Dockerfile is.
import { readFile, writeFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parse } from 'yaml'
import {
  checkImages,
  checkVersions,
  readBaseImage,
  readChartImage,
  Refusal,
  requireDigest,
  stampChart,
} from './rules.ts'
import { writeSbom } from './write-sbom.ts'

const VALUES = 'helm/chatbox/values.yaml'

const COMMANDS: Record<string, (argument: string) => Promise<void>> = {
  async check(tag) {
    const { version: manifest } = JSON.parse(await read('package.json')) as { version: string }
    const { appVersion } = parse(await read('helm/chatbox/Chart.yaml')) as { appVersion: unknown }
    const version = checkVersions({ tag, manifest, chartApp: String(appVersion) })
    const base = readBaseImage(await read('docker/Dockerfile'), process.env.NODE_DIGEST ?? '')
    print('VERSION', version)
    print('IMAGE', readChartImage(await read(VALUES)))
    print('NODE_IMAGE', base.image)
    print('NODE_DIGEST', base.digest)
  },
  async stamp(digest) {
    await writeFile(VALUES, stampChart(await read(VALUES), digest))
  },
  async 'check-images'(digest) {
    const image = readChartImage(await read(VALUES))
    checkImages(await text(process.stdin), image, requireDigest(`the image ${image}`, digest))
  },
  async sbom(file) {
    await writeFile(file, await writeSbom(process.cwd()))
  },
}

async function main(name = '', argument = ''): Promise<void> {
  const command = COMMANDS[name]
  if (!command) throw new Refusal(`"${name}" is no command: ${Object.keys(COMMANDS).join(', ')}.`)
  if (argument === '') throw new Refusal(`The command ${name} needs its argument.`)
  await command(argument)
}

const read = (path: string) => readFile(path, 'utf8')

/** Prints a line that both pipelines read as an output of the job. */
function print(name: string, value: string): void {
  console.log(`${name}=${value}`)
}

main(process.argv[2], process.argv[3]).catch((error: unknown) => {
  if (!(error instanceof Refusal)) throw error
  console.error(error.message)
  process.exitCode = 1
})
