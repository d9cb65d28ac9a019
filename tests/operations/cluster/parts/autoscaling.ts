import { setTimeout as sleep } from 'node:timers/promises'
import { readScalingActive } from '../kube/hpa.ts'
import { apply, kubectl } from '../kube/run.ts'
import { startCrowd, type Crowd } from '../load/crowd.ts'
import { findGatewayAddress, upgrade } from '../release.ts'
import { findSteps, startTimeline, type Timeline } from '../report/timeline.ts'
import { waitFor } from '../wait-for.ts'
import { GATEWAY, NAMESPACE } from '../world.ts'
import { startMonitoring } from './monitoring.ts'
import type { Proof } from './part.ts'

const FEW = 200
const MANY = 2000
/** A twentieth more than what the pods are for: less than what the autoscaler overlooks. */
const SLIGHTLY_MORE = 2100
const PEOPLE_PER_SECOND = 150
const PODS = { few: 2, many: 4 }
/** The lab scrapes and decides every 2 and 3 s. With the usual 15 s each it takes up to half a minute longer. */
const UP_LIMIT_S = 60
const USUAL_PERIODS_S = 25
const HOLD_S = 15
const CROWD_TIMEOUT_MS = 90_000
const STEP_LIMIT_MS = 150_000

/** What a part of this proof needs. */
interface Scene {
  proof: Proof
  crowd: Crowd
  timeline: Timeline
}

/** The real controller on the real metric, with people who come and go. */
export async function proveAutoscaling(proof: Proof): Promise<void> {
  const { checks, api, record } = proof
  await checks.check('Prometheus and the adapter, with the rule that the chart ships', async () => {
    await startMonitoring()
    await upgrade({})
    return undefined
  })
  const { host, port } = await findGatewayAddress()
  const url = `http://${host}:${port}/chatbox`
  const crowd = await startCrowd({ url, perSecond: PEOPLE_PER_SECOND, most: SLIGHTLY_MORE })
  const timeline = startTimeline(api, () => crowd.report.connected)
  const scene = { proof, crowd, timeline }
  try {
    await checks.check(`the autoscaler reads the metric of ${FEW} people`, () => read(scene))
    const upS = await comeMany(scene)
    await stay(scene)
    await addSecond(scene)
    await hideMetric(scene)
    const stepsDownS = await leave(scene)
    const { samples, marks } = timeline
    record.autoscaling = { samples: [...samples], marks: [...marks], upS, stepsDownS }
  } finally {
    timeline.stop()
    crowd.stop()
  }
}

async function read({ proof, crowd, timeline }: Scene): Promise<string> {
  timeline.mark(`${FEW} people`)
  await crowd.become(FEW, CROWD_TIMEOUT_MS)
  await waitFor('the metric', () => timeline.samples.at(-1)?.metric === FEW)
  await waitFor('ScalingActive', async () => (await readScalingActive(proof.api)).isActive)
  return `${FEW} over ${timeline.samples.at(-1)?.ready} pods`
}

async function comeMany({ proof, crowd, timeline }: Scene): Promise<number> {
  timeline.mark(`${MANY} people come`)
  const startedAt = timeline.now()
  let upS = Infinity
  await proof.checks.check(`${MANY} people come: pods are added`, async () => {
    const coming = crowd.become(MANY, CROWD_TIMEOUT_MS)
    await waitFor(`${PODS.many} pods`, () => timeline.samples.at(-1)?.ready === PODS.many)
    upS = Math.round((timeline.now() - startedAt) * 10) / 10
    await coming
    if (upS > UP_LIMIT_S - USUAL_PERIODS_S)
      throw new Error(`${PODS.few} to ${PODS.many} in ${upS} s`)
    return `${PODS.few} to ${PODS.many} in ${upS} s from the first of them on, ${crowd.report.lost} connections lost`
  })
  return upS
}

/** Nothing happens for a while, and this is what is wanted. */
async function stay({ proof, crowd, timeline }: Scene): Promise<void> {
  await proof.checks.check('a few more people: no change within the tolerance', async () => {
    await crowd.become(SLIGHTLY_MORE, CROWD_TIMEOUT_MS)
    timeline.mark(`${SLIGHTLY_MORE} people`)
    await waitFor('the metric', () => timeline.samples.at(-1)?.metric === SLIGHTLY_MORE)
    await expectSteady(timeline, PODS.many)
    return `${SLIGHTLY_MORE} people, ${PODS.many} pods for ${HOLD_S} s`
  })
}

async function addSecond({ proof, timeline }: Scene): Promise<void> {
  await proof.checks.check('a second autoscaler on the same pods stops both', async () => {
    const first = await kubectl(['get', 'hpa', '-n', NAMESPACE, GATEWAY, '--output=json'])
    // Of the kind that the API documents.
    const { apiVersion, kind, spec } = JSON.parse(first) as Record<string, unknown>
    timeline.mark('a second autoscaler')
    await apply({ apiVersion, kind, spec, metadata: { name: 'second', namespace: NAMESPACE } })
    await waitForReason(proof, 'AmbiguousSelector')
    return 'AmbiguousSelector'
  })
  await proof.checks.check('without it the first one goes on', async () => {
    await kubectl(['delete', 'hpa', '-n', NAMESPACE, '--ignore-not-found', 'second'])
    await waitFor('ScalingActive', async () => (await readScalingActive(proof.api)).isActive)
    return undefined
  })
}

async function hideMetric({ proof, crowd, timeline }: Scene): Promise<void> {
  await proof.checks.check(
    'people leave while the metric is gone: frozen, with an event',
    async () => {
      timeline.mark('the metric is gone')
      await scalePrometheus(0)
      await waitForReason(proof, 'FailedGetPodsMetric')
      await crowd.become(FEW, CROWD_TIMEOUT_MS)
      await expectSteady(timeline, PODS.many)
      const about = `involvedObject.name=${GATEWAY},reason=FailedGetPodsMetric`
      const events = await kubectl(['get', 'events', '-n', NAMESPACE, `--field-selector=${about}`])
      if (!events.includes('FailedGetPodsMetric')) throw new Error('there is no event')
      return `${PODS.many} pods for ${HOLD_S} s, event FailedGetPodsMetric`
    },
  )
  await scalePrometheus(1)
}

async function leave({ proof, crowd, timeline }: Scene): Promise<number[]> {
  let stepsS: number[] = []
  await proof.checks.check('with the metric back: one pod at a time', async () => {
    timeline.mark('the metric is back')
    const from = timeline.samples.length
    await waitFor(
      `${PODS.few} pods`,
      () => {
        const last = timeline.samples.at(-1)
        return last?.ready === PODS.few && last.leaving === 0
      },
      STEP_LIMIT_MS,
    )
    const steps = findSteps(timeline.samples.slice(from - 1))
    stepsS = steps.map(({ atS }) => atS)
    const most = Math.min(...steps.map(({ by }) => by))
    if (most < -1 || steps.length !== PODS.many - PODS.few) {
      throw new Error(`steps of ${steps.map(({ by }) => by).join(', ')}`)
    }
    return `${PODS.many} to ${PODS.few} in ${steps.length} steps, ${crowd.report.connected} of ${FEW} people still there`
  })
  await proof.checks.check('whoever stayed is connected', async () => {
    await waitFor('everybody', () => crowd.report.connected === FEW)
    return `${FEW} people`
  })
  return stepsS
}

async function waitForReason({ api }: Proof, reason: string): Promise<void> {
  await waitFor(reason, async () => (await readScalingActive(api)).reason === reason)
}

async function scalePrometheus(replicas: number): Promise<void> {
  await kubectl(['scale', '-n', 'monitoring', 'deployment/prometheus', `--replicas=${replicas}`])
}

/** Every look within the time finds so many pods wanted. */
async function expectSteady(timeline: Timeline, pods: number): Promise<void> {
  const from = timeline.samples.length
  // Not a wait for something, but a look at nothing happening.
  await sleep(HOLD_S * 1000)
  const seen = timeline.samples.slice(from)
  const wanted = new Set(seen.map((sample) => sample.wanted))
  if (wanted.size !== 1 || !wanted.has(pods)) {
    throw new Error(`${[...wanted].join(', ')} pods were wanted`)
  }
}
