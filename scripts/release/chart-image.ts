import { isScalar, parseDocument } from 'yaml'
import { requireDigest } from './digests.ts'
import { Refusal } from './refusal.ts'

/** The image that a chart's values name, without its tag, such as `ghcr.io/chatbox/chatbox`. */
export function readChartImage(values: string): string {
  const document = parseDocument(values)
  const parts = [document.getIn(['image', 'registry']), document.getIn(['image', 'repository'])]
  if (!parts.every((part) => typeof part === 'string' && part !== '')) {
    throw new Refusal('The chart has no values image.registry and image.repository.')
  }
  return parts.join('/')
}

/**
 * A chart's values with the digest of its image written into `image.digest`; every other character
 * stays. Throws a `Refusal` where the values hold a digest already.
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
