import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { parseManifests, type Manifest } from './manifest.ts'
import { CHART, runTool, type Outcome } from './tools.ts'

const RELEASE = 'rel'
export const NAMESPACE = 'chat'
export const NAME = 'rel-chatbox'

export type Values = Readonly<Record<string, unknown>>

/** What a user may write, one file each; every rung runs over all of them. */
export const CI_FILES = readdirSync(join(CHART, 'ci')).toSorted()
/** A pair of those that say the least and the most. */
export const BUNDLED = '02-bundled-values.yaml'
export const EVERYTHING = '10-everything-values.yaml'

export function ciPath(file: string): string {
  return join(CHART, 'ci', file)
}

export function readValues(): Values {
  return parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')) as Values
}

interface RenderOptions {
  helm?: 'helm' | 'helm3'
  kubeVersion?: string
  /** Values over those of the file. */
  set?: Values
}

/** `helm template` over a file of `ci/`, which may be refused. */
export function template(file: string, options: RenderOptions = {}): Outcome {
  const { helm = 'helm', kubeVersion = '1.36.0', set = {} } = options
  const args = ['template', RELEASE, CHART, '--namespace', NAMESPACE, '--values', ciPath(file)]
  return runTool(
    helm,
    [...args, '--kube-version', kubeVersion, '--values', '-'],
    JSON.stringify(set),
  )
}

const rendered = new Map<string, readonly Manifest[]>()

/**
 * What the chart makes of a file of `ci/`. Throws with Helm's own words where it is refused. Without
 * options it is rendered once for all who ask.
 */
export function render(file: string, options?: RenderOptions): readonly Manifest[] {
  const known = options ? undefined : rendered.get(file)
  if (known) return known
  const { status, stdout, stderr } = template(file, options)
  if (status !== 0) throw new Error(stderr)
  const manifests = parseManifests(stdout)
  if (!options) rendered.set(file, manifests)
  return manifests
}

/** The sentence that `helm template` stops with; undefined where it does not stop. */
export function refusalOf(file: string, set: Values): string | undefined {
  const { status, stderr } = template(file, { set })
  if (status === 0) return undefined
  const complaints = stderr.split('\n').filter((line) => /^ *- at '/.test(line))
  if (complaints.length > 0) return complaints.map((line) => line.trim().slice(2)).join('; ')
  return /\): (.+)$/m.exec(stderr)?.[1] ?? stderr
}
