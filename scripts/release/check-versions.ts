import { Refusal } from './refusal.ts'

export interface Versions {
  /** The tag as it was pushed, such as `v1.2.3`. */
  tag: string
  /** `version` of package.json. */
  manifest: string
  /** `appVersion` of the chart, which is the tag of the image that it runs. */
  chartApp: string
}

/** A semantic version without build metadata: a `+` cannot stand in an image's tag. */
const RELEASE_TAG =
  /^v((?:0|[1-9]\d*)(?:\.(?:0|[1-9]\d*)){2}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)$/

/** The version that a tag releases. Throws a `Refusal` unless tag, manifest and chart agree on it. */
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
