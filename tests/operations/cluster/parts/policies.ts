import { setTimeout as sleep } from 'node:timers/promises'
import { apply, helm, kubectl } from '../kube/run.ts'
import { createIdleRecorder, startModels } from '../load/models.ts'
import { createActors, findTargets, removeActors, type Actor } from '../policies/actors.ts'
import { connectFrom, type Target } from '../policies/connect.ts'
import { findDifferences, mayReach, openPairs, type Matrix } from '../policies/meant.ts'
import { toOrForm, type NetworkPolicy } from '../policies/or-form.ts'
import { upgrade } from '../release.ts'
import { GATEWAY, NAMESPACE, RELEASE } from '../world.ts'
import { IMAGE } from '../../support/docker.ts'
import type { Proof } from './part.ts'

/** A policy reaches a node a moment after it was made. */
const TRIES = 8
const PAUSE_MS = 1000
/** What the OR form lets in: the pod with half of the conditions in each of two ways. */
const LET_IN_BY_OR = [
  'ingress, other label > gateway:8080',
  'own namespace, ingress label > gateway:8080',
]

/** Who may connect to what, tried from everywhere to everything. */
export async function provePolicies(proof: Proof): Promise<void> {
  const { checks } = proof
  const actors = await createActors(IMAGE)
  const targets = await findTargets()
  const look = { actors, targets }
  const pairs = actors.length * targets.length
  await checks.check('without policies every pair connects', async () => {
    await settle(look, () => true)
    return `${pairs} pairs, so what is blocked below is blocked by a policy`
  })
  await upgrade({})
  const meant = await settle(look, mayReach).catch((error: unknown) => error)
  await checks.check('with policies exactly the meant pairs connect', async () => {
    if (meant instanceof Error) throw meant
    return `${openPairs(meant as Matrix).length} of ${pairs} pairs`
  })
  const orExtra = await proveOrForm(proof, look)
  if (!(meant instanceof Error)) proof.record.matrix = { meant: meant as Matrix, orExtra }
  await removeActors()
  await checks.check('helm test, through the policies', () => testRelease(proof))
}

/** The chart's own test: a visitor's whole round trip, with an answer of the model. */
async function testRelease({ certificate }: Proof): Promise<string> {
  const models = await startModels(certificate, { recorder: createIdleRecorder(), intervalMs: 20 })
  try {
    await helm(['test', RELEASE, '--namespace', NAMESPACE, '--timeout', '90s'])
  } catch (error) {
    const logs = await kubectl(['logs', '-n', NAMESPACE, `${RELEASE}-chatbox-test`])
    throw new Error(`${logs.trim().split('\n').at(-1)} (${String(error)})`, { cause: error })
  } finally {
    await models.stop()
  }
  return 'a question answered'
}

interface Look {
  actors: readonly Actor[]
  targets: readonly Target[]
}

async function proveOrForm({ checks }: Proof, look: Look): Promise<string[]> {
  const policy = await readPolicy()
  let extra: string[] = []
  await checks.check('with OR in place of AND exactly two more get through', async () => {
    await apply(toOrForm(policy, 'http'))
    const isMeant = (actor: string, target: string): boolean =>
      mayReach(actor, target) || LET_IN_BY_OR.includes(`${actor} > ${target}`)
    const matrix = await settle(look, isMeant)
    extra = findDifferences(matrix, mayReach)
    return extra.join('; ')
  })
  await checks.check('with AND again they do not', async () => {
    await apply(policy)
    await settle(look, mayReach)
    return undefined
  })
  return extra
}

async function readPolicy(): Promise<NetworkPolicy> {
  const at = ['get', 'networkpolicy', '-n', NAMESPACE, GATEWAY, '--output=json']
  // Of the kind that the API documents.
  const { apiVersion, kind, metadata, spec } = JSON.parse(await kubectl(at)) as NetworkPolicy & {
    apiVersion: string
    kind: string
    metadata: { name: string; namespace: string }
  }
  const { name, namespace } = metadata
  return { ...{ apiVersion, kind, metadata: { name, namespace } }, spec }
}

/** Tries all pairs until they are as they may be; rejects with the differences that stay. */
async function settle(
  { actors, targets }: Look,
  may: (actor: string, target: string) => boolean,
): Promise<Matrix> {
  for (let tries = 1; ; tries += 1) {
    const outcomes = await Promise.all(
      actors.map(async ({ name, pod }) => [name, await connectFrom(pod, targets)] as const),
    )
    const matrix: Matrix = Object.fromEntries(outcomes)
    const differences = findDifferences(matrix, may)
    if (differences.length === 0) return matrix
    if (tries === TRIES) throw new Error(differences.join('; '))
    await sleep(PAUSE_MS)
  }
}
