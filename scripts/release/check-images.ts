import { parseAllDocuments } from 'yaml'
import { Refusal } from './refusal.ts'

const PINNED = /^[^\s@]+@sha256:[0-9a-f]{64}$/

/**
 * Reads rendered manifests and throws a `Refusal` unless every container's image has a digest, and
 * the image `image@digest` that is being released is one of them.
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

/** Every text under a key `image`, at any depth. */
function collectImages(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(collectImages)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) =>
    key === 'image' && typeof child === 'string' ? [child] : collectImages(child),
  )
}
