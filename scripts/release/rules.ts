import { isScalar, parseAllDocuments, parseDocument } from 'yaml'

/** A reason not to release, in one sentence for the person who pushed the tag. */
export class Refusal extends Error {
  override name = 'Refusal'
}

interface Versions {
  /** The tag as it was pushed, for example `v1.2.3`. */
  tag: string
  /** `version` of package.json. */
  manifest: string
  /** `appVersion` of the chart, which is the tag of the image that it runs. */
  chartApp: string
}

/** A semantic version without build metadata: a `+` cannot stand in an image's tag. */
const RELEASE_TAG =
  /^v((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)$/

/**
 * Returns the version that a tag releases. Throws a `Refusal` unless tag, manifest and chart agree.
 */
export function checkVersions({ tag, manifest, chartApp }: Versions): string {
  const version = RELEASE_TAG.exec(tag)?.[1]
  if (version === undefined) {
    throw new Refusal(`The tag "${tag}" is no version such as v1.2.3 or v1.2.3-rc.1.`)
  }
  if (manifest !== version) {
    throw new Refusal(`The tag ${tag} and package.json, which says "${manifest}", do not agree.`)
  }
  if (chartApp !== version) {
    throw new Refusal(`The tag ${tag} and the chart's appVersion "${chartApp}" do not agree.`)
  }
  return version
}

/** A name with an exact tag: the part after the colon begins with a number. */
const EXACT = /^[a-z0-9][a-z0-9./_-]*:\d[\w.-]*$/

/**
 * Returns the base image of a release: that of the Dockerfile, with `digest` instead of its own if
 * given. Throws a `Refusal` for an inexact tag and for a missing or malformed digest.
 */
export function readBaseImage(
  dockerfile: string,
  digest: string,
): { image: string; digest: string } {
  const image = readArgument(dockerfile, 'NODE_IMAGE')
  if (!EXACT.test(image)) {
    throw new Refusal(
      `The base image "${image}" has no exact tag such as node:24.21.0-bookworm-slim.`,
    )
  }
  const own = readArgument(dockerfile, 'NODE_DIGEST')
  return { image, digest: requireDigest(`the base image ${image} (NODE_DIGEST)`, digest || own) }
}

/** Returns the default of an `ARG` of a Dockerfile. */
function readArgument(dockerfile: string, name: string): string {
  const line = new RegExp(`^ARG ${name}=(.*)$`, 'm').exec(dockerfile)
  if (!line) throw new Refusal(`The Dockerfile has no argument ${name}.`)
  return (line[1] ?? '').trim()
}

/** Returns the image in a chart's values without its tag, for example `ghcr.io/chatbox/chatbox`. */
export function readChartImage(values: string): string {
  const document = parseDocument(values)
  const parts = [document.getIn(['image', 'registry']), document.getIn(['image', 'repository'])]
  if (!parts.every((part) => typeof part === 'string' && part !== '')) {
    throw new Refusal('The chart has no values image.registry and image.repository.')
  }
  return parts.join('/')
}

/**
 * Returns a chart's values with the digest of its image in `image.digest` and no other change.
 * Throws a `Refusal` if the values contain a digest already.
 */
export function stampChart(values: string, digest: string): string {
  requireDigest('the image', digest)
  const node = parseDocument(values).getIn(['image', 'digest'], true)
  if (!isScalar(node) || !node.range) throw new Refusal('The chart has no value image.digest.')
  if (node.value !== '')
    throw new Refusal("The chart's image.digest is not empty before a release.")
  const [start, end] = node.range
  return `${values.slice(0, start)}'${digest}'${values.slice(end)}`
}

const PINNED = /^[^\s@]+@sha256:[0-9a-f]{64}$/

/**
 * Checks rendered manifests. Throws a `Refusal` unless every container's image has a digest and the
 * released `image@digest` is one of them.
 */
export function checkImages(manifests: string, image: string, digest: string): void {
  const images = parseAllDocuments(manifests).flatMap((document) => collectImages(document.toJS()))
  const loose = images.find((name) => !PINNED.test(name))
  if (loose !== undefined)
    throw new Refusal(`The chart renders the image ${loose} without a digest.`)
  if (!images.some((name) => name.startsWith(`${image}:`) && name.endsWith(`@${digest}`))) {
    throw new Refusal(`The chart does not render ${image} with the digest ${digest}.`)
  }
}

/** Returns every text under a key `image`, at any depth. */
function collectImages(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(collectImages)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) =>
    key === 'image' && typeof child === 'string' ? [child] : collectImages(child),
  )
}

const DIGEST = /^sha256:[0-9a-f]{64}$/

/** Returns the digest. Throws a `Refusal` that names `what` if it is empty or malformed. */
export function requireDigest(what: string, digest: string): string {
  if (digest === '') throw new Refusal(`The digest of ${what} is empty.`)
  if (!DIGEST.test(digest)) {
    throw new Refusal(`The digest of ${what} is not sha256: and 64 hexadecimal digits.`)
  }
  return digest
}
