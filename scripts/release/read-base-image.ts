import { requireDigest } from './digests.ts'
import { Refusal } from './refusal.ts'

export interface BaseImage {
  image: string
  digest: string
}

/** A name with an exact tag: what comes after the colon begins with a number. */
const EXACT = /^[a-z0-9][a-z0-9./_-]*:\d[\w.-]*$/

/**
 * The base that a release is built on: what the Dockerfile says, or `digest` in place of its own.
 * Throws a `Refusal` for an inexact tag and for a digest that is missing or malformed.
 */
export function readBaseImage(dockerfile: string, digest: string): BaseImage {
  const image = readArgument(dockerfile, 'NODE_IMAGE')
  if (!EXACT.test(image)) {
    throw new Refusal(
      `The base image "${image}" has no exact tag such as node:24.21.0-bookworm-slim.`,
    )
  }
  const own = readArgument(dockerfile, 'NODE_DIGEST')
  return { image, digest: requireDigest(`the base image ${image} (NODE_DIGEST)`, digest || own) }
}

/** The default of an `ARG` of a Dockerfile. */
function readArgument(dockerfile: string, name: string): string {
  const line = new RegExp(`^ARG ${name}=(.*)$`, 'm').exec(dockerfile)
  if (!line) throw new Refusal(`The Dockerfile has no argument ${name}.`)
  return (line[1] ?? '').trim()
}
